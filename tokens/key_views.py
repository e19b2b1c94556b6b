"""The keys page: what keys there are, rotating them, and the reports of past rotations. For administrators."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.login.reauthentication import confirmed
from accounts.requests import UserRequest, administrators_only, confirm_page
from tokens import key_status, rotation, tasks
from tokens.envelope import EnvelopeError
from tokens.locks import RotationBusy
from tokens.models import Rotation, Trigger

LISTED_ROTATIONS = 20


@administrators_only
@require_safe
def key_list(request: UserRequest) -> HttpResponse:
    try:
        context = {
            "masters": key_status.master_keys(),
            "keys": key_status.data_keys(),
            "warnings": key_status.warnings(),
            "rotations": Rotation.objects.select_related("started_by")[:LISTED_ROTATIONS],
        }
    except EnvelopeError as error:
        context = {"warnings": [str(error)]}
    return render(request, "tokens/key_list.html", context)


@administrators_only
@require_http_methods(["GET", "POST"])
@confirmed
def key_rotate(request: UserRequest) -> HttpResponse:
    if request.method != "POST":
        return confirm_page(
            request,
            heading="Encryption keys",
            title="Rotate encryption keys?",
            text="Creates a new data key, re-encrypts every secret with it and destroys the old keys. No downtime.",
            verb="Rotate keys",
            cancel="tokens:key-list",
            variant="primary",
        )
    try:
        run = rotation.start(trigger=Trigger.PAGE, actor=request.user)
    except (RotationBusy, EnvelopeError) as error:
        messages.error(request, str(error))
        return redirect("tokens:key-list")
    tasks.rotate_soon()
    return redirect("tokens:rotation-detail", run.pk)


@administrators_only
@require_safe
def rotation_detail(request: UserRequest, rotation_id: UUID) -> HttpResponse:
    run = get_object_or_404(Rotation.objects.select_related("started_by", "new_key", "compromised"), pk=rotation_id)
    exposed = key_status.exposed_secrets(run.compromised)
    context = {"run": run, "keys": key_status.rows_by_key(run), "exposed": exposed}
    return render(request, "tokens/rotation_detail.html" + ("#report" if request.htmx else ""), context)
