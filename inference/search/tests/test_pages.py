"""The search page, the palette, what is similar, and topics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from inference.search.models import Topic
from inference.search.tests.conftest import AddCall
from inference.search.topics.keeping import recount

Add = Callable[..., Any]
ClientOf = Callable[[User], Client]
PAGE = "/search/"


def test_it_shows_what_was_found_with_marks(
    alice: User, add_call: AddCall, index: Callable[[], int], client_of: ClientOf
) -> None:
    add_call(alice, "How do <b>refunds</b> work?")
    index()
    page = client_of(alice).get(PAGE, {"q": "refund"})
    assert "&lt;b&gt;<mark>refunds</mark>&lt;/b&gt;" in page.content.decode()


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "the and of",
        "word " * 25_000,
        "😀🎉",
        "' OR 1=1 --",
        "a & b | !c <-> (",
        "\0",
        "\\'",
        "%_%",
        '"',
        "天",
        ":*",
    ],
)
def test_it_takes_whatever_is_typed(typed: str, alice: User, add_call: AddCall, client_of: ClientOf) -> None:
    add_call(alice, "the word")
    client = client_of(alice)
    # No address of this site may hold a NUL.
    expected = 400 if typed == "\0" else 200
    assert client.get(PAGE, {"q": typed}).status_code == expected
    assert client.get("/search/palette/", {"q": typed}).status_code == expected


@pytest.mark.parametrize(
    "query", [{"kind": "x"}, {"least_cost": "NaN"}, {"topic": "x"}, {"start": "x"}, {"score": "9"}, {"user": "x"}]
)
def test_it_says_which_filter_is_wrong(query: dict[str, str], admin: User, client_of: ClientOf) -> None:
    page = client_of(admin).get(PAGE, {"q": "refund", **query})
    assert "Fix the highlighted filter." in page.content.decode()


def test_it_records_that_an_administrator_searches_a_users_calls(
    alice: User, admin: User, add_call: AddCall, index: Callable[[], int], client_of: ClientOf
) -> None:
    add_call(alice, "The merger is called Bluebird.")
    index()
    page = client_of(admin).get(PAGE, {"q": "Bluebird", "user": alice.email}).content.decode()
    assert "Content hidden" in page
    assert "merger" not in page
    assert AuditEvent.objects.filter(action="search:user:search", target_id=str(alice.audit_id)).count() == 1


def test_it_asks_no_user_of_those_who_are_no_administrators(
    alice: User, bob: User, add_call: AddCall, index: Callable[[], int], client_of: ClientOf
) -> None:
    add_call(alice, "The merger is called Bluebird.")
    index()
    assert "Bluebird</mark>" not in client_of(bob).get(PAGE, {"q": "Bluebird", "user": alice.email}).content.decode()


def test_it_offers_pages_actions_and_what_was_found(
    alice: User, add_prompt: Add, index: Callable[[], int], client_of: ClientOf
) -> None:
    add_prompt(alice, "support/refunds", "Refund politely.")
    index()
    client = client_of(alice)
    assert "New prompt" in client.get("/search/palette/").content.decode()
    found = client.get("/search/palette/", {"q": "refu"}).content.decode()
    assert "support/refunds" in found
    assert "Webhooks" in client.get("/search/palette/", {"q": "webh"}).content.decode()


def test_it_offers_administration_to_administrators_alone(alice: User, admin: User, client_of: ClientOf) -> None:
    assert "Invite user" not in client_of(alice).get("/search/palette/").content.decode()
    assert "Invite user" in client_of(admin).get("/search/palette/").content.decode()


def test_it_shows_calls_that_ask_for_the_same(
    alice: User, bob: User, add_call: AddCall, index: Callable[[], int], client_of: ClientOf
) -> None:
    call = add_call(alice, "How can I get a refund for my order?")
    other = add_call(alice, "I want a refund of the order, how?")
    foreign = add_call(bob, "How can I get a refund for my order?")
    add_call(alice, "Write a haiku about autumn leaves.")
    index()
    page = client_of(alice).get(f"/search/similar/calls/{call.pk}/").content.decode()
    assert str(other.pk) in page
    assert str(foreign.pk) not in page
    assert "haiku" not in page
    assert client_of(bob).get(f"/search/similar/calls/{call.pk}/").status_code == 404


def test_it_shows_prompts_like_the_one_that_is_written(
    alice: User, bob: User, add_prompt: Add, index: Callable[[], int], client_of: ClientOf
) -> None:
    prompt = add_prompt(alice, "summary", "Summarise the customer's email in two sentences.")
    index()
    sent = {"message-0-content": "Write a summary of the email of a customer."}
    assert "summary" in client_of(alice).post("/search/similar/prompts/", sent).content.decode()
    assert (
        "No similar" in client_of(alice).post("/search/similar/prompts/", sent | {"prompt": prompt.pk}).content.decode()
    )
    assert "No similar" in client_of(bob).post("/search/similar/prompts/", sent).content.decode()


@pytest.fixture
def two_topics(alice: User, add_call: AddCall, index: Callable[[], int]) -> None:
    for number in range(4):
        add_call(alice, f"Please refund order number {number}, I want my money back")
        add_call(alice, f"Translate this sentence into French, version {number}")
    add_call(alice, "Please refund order number 1, I want my money back")
    index()


def test_it_groups_calls_by_what_they_ask_for(two_topics: None, alice: User, bob: User, client_of: ClientOf) -> None:
    assert recount(alice, now=timezone.now()) == 2
    page = client_of(alice).get("/search/topics/").content.decode()
    assert "money" in page
    assert "translate" in page
    assert '1 <span class="muted">(20.0%)</span>' in page
    assert "No topics yet" in client_of(bob).get("/search/topics/").content.decode()


def test_it_recognises_topics_from_day_to_day(two_topics: None, alice: User, add_call: AddCall, index: Any) -> None:
    recount(alice, now=timezone.now())
    before = dict(Topic.objects.values_list("pk", "words"))
    add_call(alice, "Please refund order number 77, I want my money back now")
    index()
    recount(alice, now=timezone.now())
    assert set(Topic.objects.values_list("pk", flat=True)) == set(before)


def test_it_shows_the_calls_of_a_topic_to_its_user_alone(
    two_topics: None, alice: User, bob: User, client_of: ClientOf
) -> None:
    recount(alice, now=timezone.now())
    topic = Topic.objects.get(words__contains=["french"])
    assert client_of(alice).get(PAGE, {"topic": str(topic.pk)}).content.decode().count('class="hit"') == 4
    assert client_of(bob).get(PAGE, {"topic": str(topic.pk)}).content.decode().count('class="hit"') == 0
