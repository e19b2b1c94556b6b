"""The first page after log-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import UserRequest
from listing.pages import query_of
from telemetry.dashboard.board import Board
from telemetry.dashboard.tables import GROUPINGS, rows_of
from telemetry.dashboard.window import CUSTOM, RANGES, SCOPES, WindowForm
from telemetry.models import Generation, Status
from tokens.checks import TokenState
from tokens.models import ProviderToken


@require_safe
def dashboard(request: UserRequest) -> HttpResponse:
    form = WindowForm(request.GET, user=request.user)
    form.is_valid()
    now = timezone.now()
    board = Board(form, now)
    group = request.GET.get("by", "")
    grouping = GROUPINGS.get(group, GROUPINGS["model"])
    as_table = request.GET.get("show") == "table"
    steps = first_steps(request.user)
    context = {
        "form": form,
        "board": board,
        "now": now,
        "late": board.reader.late,
        "scopes": _choices(request, "whose", SCOPES, form.scope) if request.user.is_administrator else [],
        "ranges": _choices(request, "range", {**_range_labels(), CUSTOM: "Custom"}, form.range_key),
        "range_label": _range_labels().get(form.range_key, "period"),
        "custom_fields": [form["start"], form["end"]],
        "cards": board.cards(),
        "charts": board.charts(),
        "as_table": as_table,
        "query_table": query_of(request.GET, without="show", **({} if as_table else {"show": "table"})) or "?",
        "grouping": grouping,
        "groups": _choices(request, "by", {key: one.label for key, one in GROUPINGS.items()}, group or "model"),
        "rows": rows_of(board, grouping),
        "failures": board.last_failures(),
        "failures_url": board.links.calls(status=Status.FAILED.value),
        "unpriced_url": board.links.calls(price="unpriced"),
        "month": board.month(),
        "health": board.health(),
        "retiring": board.retiring(),
        "steps": steps,
        "steps_done": sum(step.done for step in steps),
    }
    return render(request, "inference/dashboard.html", context)


@dataclass(frozen=True, slots=True)
class Choice:
    """``query`` is that of the page with it."""

    label: str
    query: str
    is_current: bool


def _range_labels() -> dict[str, str]:
    return {key: label for key, (label, _, _) in RANGES.items()}


def _choices(request: UserRequest, name: str, labels: Mapping[str, str], current: str) -> list[Choice]:
    return [
        Choice(label, query_of(request.GET, without=name, **{name: key}), key == current)
        for key, label in labels.items()
    ]


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    text: str
    url: str
    done: bool


def first_steps(user: User) -> list[Step]:
    tokens = ProviderToken.objects.visible_to(user)
    newest = Generation.objects.filter(user=user).only("pk").first()
    return [
        Step(
            "Add a provider key",
            "Or a server of your own, such as Ollama. Keys are stored encrypted and never shown again.",
            reverse("tokens:token-add"),
            tokens.exists(),
        ),
        Step(
            "Test the key",
            "Checks that the provider accepts the key.",
            reverse("tokens:token-list"),
            tokens.filter(state=TokenState.WORKING).exists(),
        ),
        Step(
            "Run a prompt",
            "Ask a model something. The sandbox answers without a key.",
            reverse("inference:chat"),
            newest is not None,
        ),
        Step(
            "View call details",
            "What the call used, how long it took and what it cost.",
            newest.get_absolute_url() if newest else reverse("telemetry:generation-list"),
            user.has_read_a_record,
        ),
    ]
