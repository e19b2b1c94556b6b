"""The dialog in which owners choose who else sees something of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url

from accounts.requests import UserRequest
from accounts.sharing import Audience, AudienceField, Shared, audiences_for, share, with_current
from audit.actions import Action


class ShareForm(forms.Form):
    """``help_text`` says what others will see. Fields of subclasses come after it, with their own ``initial``."""

    def __init__(self, data: Mapping[str, str] | None, *, thing: Shared, help_text: str, **initial: Any) -> None:
        super().__init__(data, initial={"audience": thing.audience.key, **initial})
        offered = with_current(audiences_for(thing.owner, everyone=True), thing.audience)
        self.fields["audience"] = AudienceField(offered, help_text=help_text)
        self.order_fields(["audience"])


def share_page(request: UserRequest, thing: Shared, *, action: Action, help_text: str, note: str = "") -> HttpResponse:
    """Asks by GET, shares by POST. Look first whether the user may."""
    form = ShareForm(request.POST or None, thing=thing, help_text=help_text)
    if form.is_valid():
        audience = form.cleaned_data["audience"]
        share(thing, audience=audience, actor=request.user, action=action)
        return shared(request, thing, audience)
    return share_dialog(request, thing, form, note=note)


def shared(request: UserRequest, thing: Shared, audience: Audience) -> HttpResponse:
    messages.success(request, f"“{thing}” is shared with {audience}.")
    return redirect(resolve_url(thing))


def share_dialog(request: UserRequest, thing: Shared, form: ShareForm, *, note: str = "") -> HttpResponse:
    kind = thing._meta.verbose_name
    context = {"thing": thing, "kind": kind, "form": form, "note": note, "cancel": resolve_url(thing)}
    part = "#dialog" if request.htmx else ""
    return render(request, f"share.html{part}", context, status=422 if form.is_bound else 200)
