"""The page of one call."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest
from accounts.services import note_record_read
from telemetry.forms import RatingForm
from telemetry.models import Generation
from telemetry.ratings import add_ratings, rate_call
from telemetry.report import attempts_of, receipt_view
from telemetry.said import call_cards, sent_cards
from telemetry.services import note_content_read


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
    """What the user thinks of a call, with the thumbs as they are from then on."""
    call = get_object_or_404(Generation.objects.visible_to(request.user), pk=pk)
    form = RatingForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest("A rating is good or bad, with a note of up to 2,000 characters.")
    call.rating = rate_call(call=call, user=request.user, **form.cleaned_data)
    return render(request, "telemetry/_rating.html", {"call": call}) if request.htmx else redirect(call)
