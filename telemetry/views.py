"""What was recorded, as pages."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.requests import UserRequest
from accounts.services import note_record_read
from listing.pages import get_page, render_list
from telemetry.forms import GenerationFilter
from telemetry.models import Generation
from telemetry.report import attempts_of, receipt_view
from telemetry.said import call_cards, sent_cards
from telemetry.services import note_content_read


@require_safe
def generation_list(request: UserRequest) -> HttpResponse:
    form = GenerationFilter(request.GET, user=request.user)
    calls = form.narrow(Generation.objects.visible_to(request.user)).select_related("user")
    calls = calls.defer("attempts", "parameters", "receipt", "error_message")
    page = get_page(calls, request.GET, by=["-started_at", "-id"])
    return render_list(request, "telemetry/generation_list.html", {"form": form, "page": page})


@require_safe
def generation_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    visible = Generation.objects.visible_to(request.user)
    generation = get_object_or_404(visible.select_related("user", "content"), pk=pk)
    if generation.user == request.user:
        note_record_read(user=request.user)
    elif hasattr(generation, "content"):
        note_content_read(generation=generation, actor=request.user)
    content = getattr(generation, "content", None)
    context = {
        "generation": generation,
        "sent": sent_cards(content.sent()) if content else [],
        "calls": list(call_cards(content.tool_calls)) if content else [],
        "attempts": attempts_of(generation),
        "receipt": receipt_view(generation),
    }
    return render(request, "telemetry/generation_detail.html", context)
