"""The first page after log-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import UserRequest
from telemetry.models import Generation
from tokens.checks import TokenState
from tokens.models import ProviderToken

DAY = timedelta(days=1)


@require_safe
def dashboard(request: UserRequest) -> HttpResponse:
    own, now = Generation.objects.filter(user=request.user), timezone.now()
    steps = first_steps(request.user)
    context = {
        "steps": steps,
        "steps_done": sum(step.done for step in steps),
        "today": own.between(now - DAY, now).summary(),
        # The list shows administrators everybody's calls.
        "own": f"&user={request.user.audit_id}" if request.user.is_administrator else "",
        "day_before": own.between(now - 2 * DAY, now - DAY).summary(),
    }
    return render(request, "inference/dashboard.html", context)


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    text: str
    url: str
    done: bool


def first_steps(user: User) -> list[Step]:
    tokens = ProviderToken.objects.visible_to(user)
    newest = Generation.objects.filter(user=user).first()
    return [
        Step(
            "Add a provider token",
            "The key of your account with a provider. It is stored encrypted and never shown again.",
            reverse("tokens:token-add"),
            tokens.exists(),
        ),
        Step(
            "Test it",
            "One cheap call shows whether the provider accepts the token.",
            reverse("tokens:token-list"),
            tokens.filter(state=TokenState.WORKING).exists(),
        ),
        Step(
            "Run a prompt",
            "Ask a model something. The sandbox answers without a token.",
            reverse("inference:chat"),
            newest is not None,
        ),
        Step(
            "Read its record",
            "What the call used, how long it took and what it cost.",
            newest.get_absolute_url() if newest else reverse("telemetry:generation-list"),
            user.has_read_a_record,
        ),
    ]
