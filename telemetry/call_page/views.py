"""The page of one call, and its request as a command."""

from __future__ import annotations

import json
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest
from accounts.services import note_record_read
from listing.pages import query_of
from telemetry.call_page import hooks, talk
from telemetry.call_page.neighbours import neighbours_of
from telemetry.call_page.waterfall import waterfall_of
from telemetry.forms import RatingForm
from telemetry.models import Generation, GenerationContent, Score
from telemetry.ratings import add_ratings, rate_call
from telemetry.report import receipt_view, usage_of
from telemetry.services import note_content_read


@require_safe
def generation_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    call, content = _call(request, pk)
    if call.user == request.user:
        note_record_read(user=request.user)
    add_ratings([call], request.user)
    way = request.GET.get("as", "")
    context = {
        "generation": call,
        "neighbours": neighbours_of(call, query=request.GET, user=request.user),
        "waterfall": waterfall_of(call),
        "parameters": [(name, _written(value)) for name, value in call.parameters.items()],
        "usage": usage_of(call),
        "receipt": receipt_view(call),
        "scores": Score.objects.filter(call_id=call.pk).exclude(user=request.user).select_related("user"),
        "way": way if way in talk.WAYS else "",
        "ways": [(key, label, _query(request, key)) for key, label in talk.WAYS.items()],
        **(_said(call, content, way) if content else {}),
    }
    return render(request, "telemetry/generation_detail.html", context)


@require_safe
def generation_curl(request: UserRequest, pk: UUID) -> HttpResponse:
    call, content = _call(request, pk)
    command = hooks.curl_of(call, content.sent()) if content else ""
    if not command:
        raise Http404
    return HttpResponse(command, content_type="text/plain; charset=utf-8")


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


def _call(request: UserRequest, pk: UUID) -> tuple[Generation, GenerationContent | None]:
    """That an administrator reads what others have said is recorded."""
    visible = Generation.objects.visible_to(request.user)
    call = get_object_or_404(visible.select_related("user", "content"), pk=pk)
    content = getattr(call, "content", None)
    if content and call.user != request.user:
        note_content_read(generation=call, actor=request.user)
    return call, content


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _query(request: UserRequest, way: str) -> str:
    more = {"as": way} if way else {}
    return query_of(request.GET, without="as", **more) or "?"


def _said(call: Generation, content: GenerationContent, way: str) -> dict[str, object]:
    sent = content.sent()
    shown: dict[str, object] = {"question": talk.question_of(sent), "is_kept": bool(sent), "has_content": True}
    if way == "json":
        return shown | {"json": talk.as_json(call, sent, content)}
    return shown | {"turns": talk.turns_of(sent, content), "has_output": any(talk.output_cards(content))}
