"""What the tokens page says of what a token has cost this month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from accounts.models import User
from telemetry.models import Generation, Spend, Status
from telemetry.services import spent_by_token
from tokens import services
from tokens.models import ProviderToken

ClientOf = Callable[[User], Client]


def token_of(user: User) -> ProviderToken:
    secret = "sk-canary-9Zt4HnW7cB1yKq63"
    return services.add_token(owner=user, actor=user, provider="openai", label="Main", secret=secret)


def call(token: ProviderToken, usd: str | None, *, days_ago: int = 0) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Generation.objects.create(
        user=token.owner,
        token_id=token.pk,
        provider="openai",
        request_model="m",
        status=Status.SUCCEEDED,
        started_at=at,
        ended_at=at,
        heartbeat_at=at,
        input_tokens=10,
        cost_usd=Decimal(usd) if usd else None,
    )


def test_it_shows_what_a_token_has_cost_this_month(client_of: ClientOf, alice: User) -> None:
    token = token_of(alice)
    for usd in ("0.25", "1.5", None):
        call(token, usd)
    call(token, "9.99", days_ago=40)
    page = " ".join(client_of(alice).get("/tokens/").content.decode().split())
    assert "$1.75 this month, 1" in page and "unpriced" in page


def test_it_says_nothing_of_a_token_without_calls(client_of: ClientOf, alice: User) -> None:
    token_of(alice)
    assert "this month" not in client_of(alice).get("/tokens/").content.decode()


def test_it_sums_each_token_by_itself(alice: User) -> None:
    first, second = token_of(alice), token_of(alice)
    call(first, "1")
    call(second, None)
    since = timezone.now() - timedelta(days=1)
    spent = spent_by_token([first.pk, second.pk, uuid4()], since=since)
    assert spent == {first.pk: Spend(Decimal(1), 0), second.pk: Spend(Decimal(0), 1)}
