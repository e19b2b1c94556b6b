"""Versions beside each other: what counts as better, and what pages say of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from prompts import figures
from prompts.figures import Comparison, Measure
from prompts.models import PromptVersion

ClientOf = Callable[[User], Client]


@dataclass(frozen=True)
class Known:
    uses: int = 40
    ended: int = 40
    failed: int = 0
    error_rate: float | None = 0.01
    seconds_p50: float | None = 1.0
    seconds_p95: float | None = 2.0
    cost_usd: Decimal | None = Decimal("0.002")
    good: int = 0
    bad: int = 0


def compared(old: Known | None, new: Known | None) -> Comparison:
    return Comparison(1, 2, old, new)


@pytest.mark.parametrize(
    ("kind", "old", "new", "verdict", "change"),
    [
        ("seconds", 1.0, 1.05, "similar", "↑ 5%"),
        ("seconds", 1.0, 1.2, "worse", "↑ 20%"),
        ("seconds", 2.0, 1.0, "better", "↓ 50%"),
        ("usd", Decimal("0.002"), Decimal("0.004"), "worse", "↑ 100%"),
        ("usd", Decimal(0), Decimal(0), "similar", ""),
        ("usd", Decimal(0), Decimal(1), "worse", "↑"),
        ("rate", 1.0, 1.4, "similar", "↑ 0.4 pt"),
        ("rate", 1.3, 0.6, "better", "↓ 0.7 pt"),
        ("seconds", None, 1.0, "", ""),
        ("seconds", 1.0, None, "", ""),
    ],
)
def test_it_says_what_a_difference_means(kind: str, old: Any, new: Any, verdict: str, change: str) -> None:
    measure = Measure("Measure", kind, old, new)
    assert (measure.verdict, measure.change) == (verdict, change)


def test_it_judges_only_with_enough_calls_of_both() -> None:
    assert compared(Known(), Known(uses=20)).has_enough_calls
    assert not compared(Known(), Known(uses=19)).has_enough_calls
    assert not compared(None, Known()).has_enough_calls


def test_it_names_what_got_worse_and_what_better() -> None:
    both = compared(Known(), Known(error_rate=0.05, seconds_p50=0.5))
    assert (both.worse, both.better) == (["Error rate"], ["Duration p50"])


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[int, Known]], None]:
    def know(known: Mapping[int, Known]) -> None:
        def source(prompt_id: UUID, versions: Collection[int], *, since: datetime) -> Mapping[int, Known]:
            return {number: known[number] for number in versions if number in known}

        monkeypatch.setattr(figures, "figures_by_version", source)

    return know


def pages(client: Client, version: PromptVersion) -> list[str]:
    compare = reverse("prompts:version-compare", args=[version.prompt_id])
    urls = [version.get_absolute_url(), compare]
    return [" ".join(client.get(url).content.decode().split()) for url in urls]


@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.django_db
def test_pages_say_whether_a_version_is_worse(
    triage: PromptVersion, alice: User, client_of: ClientOf, know: Any, page: int
) -> None:
    know({1: Known(), 2: Known(seconds_p95=3.0)})
    text = pages(client_of(alice), triage)[page]
    assert "<strong>v2 is worse:</strong> duration p95." in text
    assert "<span>↑ 50%</span> <span>worse</span>" in text


@pytest.mark.django_db
def test_pages_say_that_a_version_is_not_used_yet(
    triage: PromptVersion, alice: User, client_of: ClientOf, know: Any
) -> None:
    know({})
    assert all("No calls in the last 30 days." in text for text in pages(client_of(alice), triage))
    know({1: Known()})
    assert all("Too few calls to compare" in text for text in pages(client_of(alice), triage))


@pytest.mark.django_db
def test_the_first_version_stands_alone(triage: PromptVersion, alice: User, client_of: ClientOf, know: Any) -> None:
    know({1: Known()})
    page = client_of(alice).get(triage.prompt.get_absolute_url(), {"version": "1"}).content.decode()
    assert "Calls with v1" in page and "compared with" not in page
