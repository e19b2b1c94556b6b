from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from aistrale.templatetags.ui import at_the_point, distance, dollars, duration, money, quantity, tokens, when


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        ("0", "$0.00"),
        ("0.0000004", "$0.0000004"),
        ("0.000412", "$0.00041"),
        ("0.0123", "$0.012"),
        ("0.0996", "$0.10"),
        ("0.5", "$0.50"),
        ("0.999", "$1.00"),
        ("12.3", "$12.30"),
        ("1234.567", "$1,234.57"),
    ],
)
def test_it_shows_a_cost_that_is_not_zero_as_not_zero(cost: str, shown: str) -> None:
    assert dollars(Decimal(cost)) == shown


def test_it_calls_an_unknown_price_unpriced() -> None:
    assert "unpriced" in money(None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s ago"), (89, "89 s ago"), (180, "3 min ago"), (7200, "2 h ago"), (86400 * 3, "3 d ago"), (-60, "in 60 s")],
)
def test_it_says_how_long_ago(seconds: float, words: str) -> None:
    assert distance(seconds) == words


def test_it_shows_local_time_with_the_exact_utc_time_as_tooltip() -> None:
    moment = datetime(2024, 1, 31, 23, 30, 15, tzinfo=ZoneInfo("UTC"))
    with timezone.override("Asia/Tokyo"):
        shown = when(moment)
    assert 'datetime="2024-01-31T23:30:15+00:00"' in shown
    assert 'title="2024-01-31 23:30:15 UTC"' in shown
    assert "01 Feb 2024 08:30" in shown


def test_it_leaves_the_date_away_today() -> None:
    moment = timezone.now() - timedelta(seconds=1)
    assert f">{moment:%H:%M} <" in when(moment)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.43, "430 ms"), (12.34, "12.3 s"), (125, "2 min 5 s"), (59.96, "1 min 0 s"), (0.9996, "1.0 s")],
)
def test_it_shows_a_duration_with_its_unit(seconds: float, shown: str) -> None:
    assert without_tags(duration(seconds)) == shown


def test_it_separates_thousands_and_names_the_unit() -> None:
    assert without_tags(tokens(12345)) == "12,345 tokens"
    assert without_tags(tokens(1)) == "1 token"


def test_it_shows_what_is_not_known_as_a_dash() -> None:
    assert {when(None), quantity(None, "ms"), duration(None), tokens(None)} == {"–"}


def without_tags(html: str) -> str:
    return html.replace('<span class="unit">', "").replace("</span>", "")


@pytest.mark.parametrize(("price", "unseen"), [("$0.10", "0"), ("$0.125", ""), ("$0.0375", ""), ("–", "000")])
def test_it_aligns_prices_at_the_decimal_point(price: str, unseen: str) -> None:
    assert at_the_point(price) == f'{price}<span class="unseen" aria-hidden="true">{unseen}</span>'
