"""The list of calls: its page, its figures, what has come since, and its exports."""

from __future__ import annotations

from datetime import UTC

from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from accounts.requests import UserRequest
from listing.pages import query_of, render_list
from telemetry.explorer import listed
from telemetry.explorer.columns import exported, without_usual
from telemetry.explorer.figures import figures_of
from telemetry.explorer.filters import CallFilter
from telemetry.explorer.summary import Summary, summary_of
from telemetry.exports import stream
from telemetry.exports.columns import chosen
from telemetry.models import Generation
from telemetry.services import note_export


@require_safe
def generation_list(request: UserRequest) -> HttpResponse:
    user, query = request.user, _query(request)
    form = CallFilter(query, user=user, offers_names=True)
    context = {
        **listed.context_of(form, query, user=user),
        "summary": _summary(request, form) if query.get("summary") else None,
    }
    return render_list(request, "telemetry/generation_list.html", context, query=query)


def _query(request: UserRequest) -> QueryDict:
    return without_usual(request.GET, with_users=request.user.is_administrator)


@require_safe
def generation_summary(request: UserRequest) -> HttpResponse:
    """The figures alone, which the list fetches once it is shown."""
    summary = _summary(request, CallFilter(request.GET, user=request.user))
    return render(request, "telemetry/_summary.html", {"summary": summary})


def _summary(request: UserRequest, form: CallFilter) -> Summary | None:
    figures = figures_of(form, user=request.user, now=timezone.now())
    if figures is None:
        return None
    return summary_of(figures, path=reverse("telemetry:generation-list"), query=request.GET)


@require_safe
def generation_new(request: UserRequest) -> HttpResponse:
    """How many calls have come since the list was made. It is asked every few seconds."""
    after = request.GET.get("after", "")
    count = listed.new_calls(CallFilter(request.GET, user=request.user), after, user=request.user)
    context = {
        "count": f"{listed.MOST_NEW}+" if count > listed.MOST_NEW else str(count or ""),
        "href": reverse("telemetry:generation-list") + query_of(request.GET, without="after"),
        "is_one": count == 1,
        "after": after,
        "query": query_of(request.GET, without="after"),
    }
    return render(request, "telemetry/_new_calls.html", context)


@require_GET
def generation_export(request: UserRequest, file_format: str) -> HttpResponseBase:
    """The filtered list as a file, without what was said. That somebody took it is recorded first."""
    form = CallFilter(_query(request), user=request.user)
    if not form.is_valid():
        return HttpResponseBadRequest("One of the filters cannot be read.", content_type="text/plain")
    note_export(actor=request.user, file_format=file_format, filters=request.GET.urlencode())
    calls = form.apply(Generation.objects.visible_to(request.user))
    name = f"{_range_of(form)}.{file_format}"
    return StreamingHttpResponse(
        stream.exported(calls, file_format, chosen(exported(form.columns))),
        content_type=stream.CONTENT_TYPES[file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _range_of(form: CallFilter) -> str:
    """For the name of a file: ``calls-20261101T000000Z-20261130T214000Z``, without the start where there is none."""
    now = timezone.now()
    start, end = form.bounds(now)
    return "-".join(
        ["calls", *(f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" for moment in (start, end or now) if moment)]
    )
