"""The log as pages. Administrators see all of it, others what they did and what was done to them and their objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_safe

from audit import services, table_export
from audit.actions import AuditAction
from audit.forms import EventFilter
from audit.models import AuditEvent, AuditVerification, Viewer
from audit.rows import changes_of, newest_checkpoints, rows_of
from audit.sentences import grouped
from listing.pages import get_page, render_list

LISTED_CHECKPOINTS = 50


class _User(services.Actor, Viewer, Protocol):
    """Whoever is signed in."""


def _user(request: HttpRequest) -> _User:
    return cast(_User, request.user)


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    form = EventFilter(request.GET)
    events = form.narrow(AuditEvent.objects.visible_to(user)).select_related("details")
    page = get_page(events, request.GET, by=["-sequence"])
    rows = rows_of(page.rows, user)
    context = {
        "form": form,
        "page": page,
        "title": "Audit log" if user.is_administrator else "Activity",
        "rows": rows,
        "groups": grouped(rows),
        "exports": {"CSV": reverse("audit:event-export-csv"), "JSON Lines": reverse("audit:event-export-jsonl")},
        "verification": AuditVerification.objects.first(),
    }
    return render_list(request, "audit/event_list.html", context)


@require_safe
def event_detail(request: HttpRequest, sequence: int) -> HttpResponse:
    user = _user(request)
    visible = AuditEvent.objects.visible_to(user).select_related("details")
    event = get_object_or_404(visible, pk=sequence)
    (row,) = rows_of([event], user)
    return render(request, "audit/event_detail.html", {"row": row, "changes": changes_of(event)})


@require_safe
def checkpoint_list(request: HttpRequest) -> HttpResponse:
    if not _user(request).is_administrator:
        raise PermissionDenied
    checkpoints, total = newest_checkpoints(LISTED_CHECKPOINTS)
    return render(request, "audit/checkpoint_list.html", {"checkpoints": checkpoints, "total": total})


@require_GET
def event_export(request: HttpRequest, file_format: str) -> HttpResponseBase:
    """The filtered list as a file. That somebody took it is recorded first."""
    user = _user(request)
    form = EventFilter(request.GET)
    if not form.is_valid():
        return HttpResponseBadRequest("One of the filters is not valid.", content_type="text/plain")
    with transaction.atomic():
        details = {"filters": request.GET.urlencode()}
        services.record(action=AuditAction.AUDIT_EXPORT, actor=user, after={"format": file_format}, details=details)
    kind = table_export.FORMATS[file_format]
    name = f"audit-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{file_format}"
    return StreamingHttpResponse(
        table_export.lines(form.narrow(AuditEvent.objects.visible_to(user)), user, kind),
        content_type=kind.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
