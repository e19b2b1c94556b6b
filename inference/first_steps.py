"""The first steps of a new user, ticked off from what is stored."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import User
from telemetry.models import Generation
from tokens.checks import TokenState
from tokens.models import ProviderToken


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
