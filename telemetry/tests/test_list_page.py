"""The list of calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.models import User
from telemetry.explorer.pages import PAGE_SIZE
from telemetry.models import Generation, Status
from telemetry.pricing import TokenCounts
from telemetry.prompt_use import PromptUse

Make = Callable[..., Generation]
ClientOf = Callable[[User], Client]
TRIAGE = PromptUse(uuid4(), "support/triage", 7, {"production": 7, "staging": 8})
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def url() -> str:
    return reverse("telemetry:generation-list")


def shown(response: Any) -> list[UUID]:
    return [generation.pk for generation in response.context["page"].rows]


def many(user: User, count: int) -> list[Generation]:
    """The newest last."""
    return Generation.objects.bulk_create(
        Generation(
            user=user,
            provider="openai",
            request_model="gpt-4o",
            started_at=LONG_AGO + timedelta(seconds=number),
            heartbeat_at=LONG_AGO,
        )
        for number in range(count)
    )


def test_it_shows_own_calls(url: str, start: Make, alice: User, charlie: User, client_of: ClientOf) -> None:
    own = start(user=alice)
    start(user=charlie)
    assert shown(client_of(alice).get(url)) == [own.pk]


def test_it_shows_administrators_all_calls_with_their_users(
    url: str, start: Make, alice: User, admin: User, client_of: ClientOf
) -> None:
    generation = start(user=alice)
    response = client_of(admin).get(url)
    assert shown(response) == [generation.pk]
    assert alice.get_full_name() in response.content.decode()


def test_it_asks_strangers_to_log_in(url: str, db: None) -> None:
    assert Client().get(url)["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_can_only_be_read(url: str, alice: User, client_of: ClientOf, method: str) -> None:
    assert getattr(client_of(alice), method)(url).status_code == 405


def test_it_shows_the_figures(url: str, start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    tokens = TokenCounts(input=1000, cache_read=234, output=400, reasoning=50)
    finish(start(user=alice), tokens=tokens, reported_cost_usd="0.0123")
    page = client_of(alice).get(url).content.decode()
    for text in (">1,234<", ">450<", ">$0.01230<", "Succeeded"):
        assert text in page


def test_it_tells_free_from_unpriced(url: str, start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    finish(start(user=alice, provider="echo", model="echo"), tokens=TokenCounts(input=1))
    page = client_of(alice).get(url).content.decode()
    assert ">$0.00000<" in page
    assert "unpriced" not in page.partition("<tbody>")[2]


def test_it_says_unpriced(url: str, start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    finish(start(user=alice, model="nobody-knows-it"), tokens=TokenCounts(input=1))
    page = client_of(alice).get(url).content.decode()
    assert "unpriced" in page
    assert "$0.00" not in page


def test_it_marks_estimates(url: str, start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    finish(start(user=alice), status=Status.STOPPED, tokens=TokenCounts(input=7), tokens_are_estimated=True)
    assert ">≈ 7<" in client_of(alice).get(url).content.decode()


def test_it_says_what_will_be_here(url: str, alice: User, client_of: ClientOf) -> None:
    assert "No calls yet" in client_of(alice).get(url).content.decode()


def test_it_offers_to_clear_filters_that_hide_everything(
    url: str, start: Make, alice: User, client_of: ClientOf
) -> None:
    start(user=alice)
    page = client_of(alice).get(url, {"model": "other"}).content.decode()
    assert "No calls match" in page
    assert "Clear filters" in page


@pytest.mark.parametrize(
    "query",
    [
        {"provider": "groq"},
        {"model": "llama-3"},
        {"status": "failed"},
        {"prompt": "support/triage"},
        {"prompt": "support/triage", "version": "7"},
        {"range": "1h"},
        {"start": "2026-06-01T00:00"},
        {"provider": "groq", "model": "llama-3", "status": "failed", "range": "24h", "start": "2026-06-01T00:00"},
    ],
)
def test_it_filters(
    url: str, start: Make, finish: Make, alice: User, client_of: ClientOf, query: dict[str, str]
) -> None:
    wanted = finish(start(user=alice, provider="groq", model="llama-3", prompt=TRIAGE), status=Status.FAILED)
    other = start(user=alice)
    Generation.objects.filter(pk=other.pk).update(started_at=LONG_AGO)
    assert shown(client_of(alice).get(url, query)) == [wanted.pk]


def test_it_names_the_prompt_of_a_call(url: str, start: Make, alice: User, client_of: ClientOf) -> None:
    start(user=alice, prompt=TRIAGE)
    assert ">support/triage</span><span>v7<" in client_of(alice).get(url).content.decode()


def test_it_tells_versions_apart(url: str, start: Make, alice: User, client_of: ClientOf) -> None:
    start(user=alice, prompt=TRIAGE)
    assert shown(client_of(alice).get(url, {"prompt": "support/triage", "version": "8"})) == []


def test_it_lets_administrators_filter_by_user(
    url: str, start: Make, alice: User, bob: User, admin: User, client_of: ClientOf
) -> None:
    wanted = start(user=alice)
    start(user=bob)
    assert shown(client_of(admin).get(url, {"user": "Alice@example.org"})) == [wanted.pk]


def test_it_does_not_tell_engineers_of_users(
    url: str, start: Make, alice: User, bob: User, client_of: ClientOf
) -> None:
    own = start(user=alice)
    response = client_of(alice).get(url, {"user": bob.email})
    assert shown(response) == [own.pk]
    assert bob.email not in response.content.decode()


def test_it_offers_only_names_of_visible_calls(
    url: str, start: Make, alice: User, charlie: User, client_of: ClientOf
) -> None:
    start(user=alice, model="mine")
    start(user=charlie, provider="secret-provider", model="secret-model")
    page = client_of(alice).get(url).content.decode()
    assert '<option value="mine">' in page
    assert "secret-" not in page


def test_it_pages_from_the_newest_call_on(url: str, alice: User, client_of: ClientOf) -> None:
    calls, client = many(alice, PAGE_SIZE + 1), client_of(alice)
    first = client.get(url, {"model": "gpt-4o"})
    assert shown(first) == [call.pk for call in calls[:0:-1]]
    assert shown(client.get(url + first.context["page"].older)) == [calls[0].pk]


def test_it_does_not_list_all_people_to_choose_from(url: str, admin: User, bob: User, client_of: ClientOf) -> None:
    assert bob.email not in client_of(admin).get(url).content.decode()


def test_it_escapes_what_models_are_called(
    url: str, start: Make, finish: Make, alice: User, client_of: ClientOf
) -> None:
    hostile = '"><img src=x onerror=alert(1)>'
    finish(start(user=alice, provider=hostile, model=hostile), status=Status.FAILED, error_type=hostile)
    page = client_of(alice).get(url, {"model": hostile}).content.decode()
    assert "<img" not in page
    assert escape(hostile) in page


def test_it_takes_the_same_queries_for_many_rows(
    url: str, alice: User, admin: User, client_of: ClientOf, django_assert_num_queries: Any
) -> None:
    many(alice, PAGE_SIZE)
    client = client_of(admin)
    with django_assert_num_queries(5) as queries:
        client.get(url)
    assert not any('count(*) as "__count" from "telemetry' in query["sql"].lower() for query in queries)
