"""What was recorded, as pages."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.requests import UserRequest
from accounts.services import note_record_read
from listing.pages import get_page, render_list
from telemetry import table_export
from telemetry.explorer import first_words_of, strip_of
from telemetry.forms import GenerationFilter, RatingForm
from telemetry.models import Generation
from telemetry.ratings import add_ratings, rate_call
from telemetry.report import attempts_of, receipt_view
from telemetry.said import call_cards, sent_cards
from telemetry.services import note_content_read, note_export


@require_safe
def generation_list(request: UserRequest) -> HttpResponse:
    form = GenerationFilter(request.GET, user=request.user)
    calls = form.narrow(Generation.objects.visible_to(request.user)).select_related("user")
    calls = calls.defer("attempts", "parameters", "receipt", "error_message")
    page = get_page(calls, request.GET, by=["-started_at", "-id"])
    context = {
        "form": form,
        "page": page,
        "strip": strip_of(form, user=request.user, now=timezone.now()),
        "first_words": first_words_of(page.rows, viewer=request.user),
        "exports": {
            "CSV": reverse("telemetry:generation-export-csv"),
            "JSON Lines": reverse("telemetry:generation-export-jsonl"),
        },
    }
    return render_list(request, "telemetry/generation_list.html", context)


@require_GET
def generation_export(request: UserRequest, file_format: str) -> HttpResponseBase:
    """The filtered list as a file, without what was said. That somebody took it is recorded first."""
    form = GenerationFilter(request.GET, user=request.user)
    if not form.is_valid():
        return HttpResponseBadRequest("One of the filters cannot be read.", content_type="text/plain")
    note_export(actor=request.user, file_format=file_format, filters=request.GET.urlencode())
    kind = table_export.FORMATS[file_format]
    name = f"calls-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{file_format}"
    return StreamingHttpResponse(
        table_export.lines(form.narrow(Generation.objects.visible_to(request.user)), kind),
        content_type=kind.content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
def generation_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    visible = Generation.objects.visible_to(request.user)
    generation = get_object_or_404(visible.select_related("user", "content"), pk=pk)
    if generation.user == request.user:
        note_record_read(user=request.user)
    elif hasattr(generation, "content"):
        note_content_read(generation=generation, actor=request.user)
    content = getattr(generation, "content", None)
    add_ratings([generation], request.user)
    context = {
        "generation": generation,
        "sent": sent_cards(content.sent()) if content else [],
        "calls": list(call_cards(content.tool_calls)) if content else [],
        "attempts": attempts_of(generation),
        "receipt": receipt_view(generation),
    }
    return render(request, "telemetry/generation_detail.html", context)


@require_POST
def generation_rate(request: UserRequest, pk: UUID) -> HttpResponse:
    """What the user thinks of a call, with the thumbs as they are from then on.

    ``within`` in the URL: they stand within another form, and must be none themselves.
    """
    call = get_object_or_404(Generation.objects.visible_to(request.user), pk=pk)
    form = RatingForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("A rating is good or bad, with a note of up to 2,000 characters.")
    call.rating = rate_call(call=call, user=request.user, **form.cleaned_data)
    template = "telemetry/_rating_within.html" if "within" in request.GET else "telemetry/_rating.html"
    return render(request, template, {"call": call}) if request.htmx else redirect(call)
