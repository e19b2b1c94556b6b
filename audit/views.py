"""The log as pages. Administrators see all of it, others what they did and what was done to them and their objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_safe

from audit import listing, services, signed, table_export
from audit.actions import AuditAction
from audit.forms import EventFilter
from audit.models import AuditEvent, AuditVerification, Viewer

LISTED_CHECKPOINTS = 50


class _User(services.Actor, Viewer, Protocol):
    """Whoever is signed in."""


def _user(request: HttpRequest) -> _User:
    return cast(_User, request.user)


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    form = EventFilter(request.GET, visible=AuditEvent.objects.visible_to(user))
    events = form.events().select_related("details")
    page = listing.page_of(events, older=request.GET.get("older", ""), newer=request.GET.get("newer", ""))
    context = {
        "form": form,
        "chips": list(form.chips()),
        "rows": listing.rows_of(page.events, user),
        "newer": form.url_from(newer=page.newer),
        "older": form.url_from(older=page.older),
        "verification": AuditVerification.objects.first(),
    }
    return render(request, "audit/event_list.html", context)


@require_safe
def event_detail(request: HttpRequest, sequence: int) -> HttpResponse:
    user = _user(request)
    visible = AuditEvent.objects.visible_to(user).select_related("details")
    event = get_object_or_404(visible, pk=sequence)
    (row,) = listing.rows_of([event], user)
    return render(request, "audit/event_detail.html", {"row": row, "changes": listing.changes_of(event)})


@require_safe
def checkpoint_list(request: HttpRequest) -> HttpResponse:
    if not _user(request).is_administrator:
        raise PermissionDenied
    checkpoints, total = signed.newest(LISTED_CHECKPOINTS)
    return render(request, "audit/checkpoint_list.html", {"checkpoints": checkpoints, "total": total})


@require_GET
def event_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """The filtered list as a file. That somebody took it is recorded first."""
    user = _user(request)
    form = EventFilter(request.GET, visible=AuditEvent.objects.visible_to(user))
    if not form.is_valid():
        return HttpResponseBadRequest("One of the filters cannot be read.", content_type="text/plain")
    with transaction.atomic():
        details = {"filters": request.GET.urlencode()}
        services.record(action=AuditAction.AUDIT_EXPORT, actor=user, after={"format": file_format}, details=details)
    kind = table_export.FORMATS[file_format]
    name = f"audit-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{file_format}"
    return StreamingHttpResponse(
        table_export.lines(form.events(), user, kind),
        content_type=kind.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
