"""What is found, by whom, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Team, User
from accounts.sharing import Visibility
from inference.search.alike import alike
from inference.search.models import Embedding, IndexedText, Place
from inference.search.retrieval import Found
from inference.search.tests.conftest import AddCall, Find
from telemetry.models import Generation, Score
from telemetry.ratings import rate_call

Add = Callable[..., Any]


def test_it_finds_calls_by_their_words_and_marks_them(alice: User, add_call: AddCall, find: Find) -> None:
    add_call(alice, "Where is my parcel?", "It left Hamburg yesterday.")
    wanted = add_call(alice, "How do refunds work?", "Within 14 days.")
    (hit, *_) = find(alice, "refund")
    assert hit.object_id == wanted.pk
    assert hit.snippet
    assert [piece.text for piece in hit.snippet.pieces if piece.marked] == ["refunds"]
    assert "Words: refunds" in hit.reasons


def test_it_finds_by_meaning_where_no_word_is_the_same(alice: User, add_call: AddCall, find: Find) -> None:
    wanted = add_call(alice, "The customer wants a refund for this purchase.")
    add_call(alice, "Write a poem about the sea and its waves.")
    (hit, *_) = find(alice, "give money back")
    assert hit.object_id == wanted.pk
    assert hit.reasons[-1].startswith("Meaning: ")


def test_it_weighs_words_by_how_rare_they_are(alice: User, add_call: AddCall, find: Find) -> None:
    from inference.search import statistics

    for number in range(12):
        add_call(alice, f"report report report number {number}")
    wanted = add_call(alice, "zirconium report")
    find(alice, "x")
    statistics.count()
    assert find(alice, "report zirconium")[0].object_id == wanted.pk


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("明日の東京の天気予報を教えてください", "天気"),
        ("请帮我写一封退款邮件", "退款"),
        ("날씨가 어때요", "날씨"),
        ("ช่วยเขียนอีเมลขอเงินคืน", "อีเมล"),
        ("איך מבטלים את ההזמנה", "ההזמנה"),
        ("كيف ألغي الطلب", "الطلب"),
        ("Où sont les crêpes brûlées ?", "crepes brulees"),
        ("Größe der Straße", "strasse"),
    ],
)
def test_it_finds_words_of_every_script(said: str, asked: str, alice: User, add_call: AddCall, find: Find) -> None:
    wanted = add_call(alice, said)
    assert [hit.object_id for hit in find(alice, f"{asked}") if hit.snippet and hit.snippet.found] == [wanted.pk]


def test_it_takes_quoted_text_as_it_stands(alice: User, add_call: AddCall, find: Find) -> None:
    wanted = add_call(alice, "It says: error 50% off_by_one, always.")
    add_call(alice, "It says: always off by one, error 50.")
    assert [hit.object_id for hit in find(alice, '"error 50% off_by"')] == [wanted.pk]
    assert [hit.object_id for hit in find(alice, '"RROR 50%"')] == [wanted.pk]


def test_it_finds_nothing_of_others_calls_not_even_for_administrators(
    alice: User, bob: User, admin: User, add_call: AddCall, find: Find
) -> None:
    add_call(alice, "The merger is called Bluebird.")
    assert find(bob, "Bluebird merger") == []
    assert find(bob, "Bluebird merger", user=alice) == []
    assert find(admin, "Bluebird merger") == []


def test_it_hides_what_was_said_from_administrators_who_ask_for_a_user(
    alice: User, admin: User, add_call: AddCall, find: Find
) -> None:
    add_call(alice, "The merger is called Bluebird.")
    (hit,) = find(admin, "Bluebird", user=alice)
    assert hit.is_hidden
    assert hit.snippet is None


def test_it_finds_shared_conversations_for_those_they_are_shared_with(
    alice: User, bob: User, charlie: User, team: Team, add_conversation: Add, find: Find
) -> None:
    add_conversation(alice, "Tides", "Why are there two tides a day?", visibility=Visibility.TEAM, team=team)
    assert [hit.title for hit in find(bob, "tides")] == ["Tides"]
    assert find(charlie, "tides") == []


def test_it_loses_what_is_no_longer_shared_at_once(alice: User, bob: User, add_conversation: Add, find: Find) -> None:
    conversation = add_conversation(alice, "Tides", visibility=Visibility.EVERYONE)
    assert find(bob, "tides")
    conversation.visibility = Visibility.PRIVATE
    conversation.save()
    assert find(bob, "tides") == []


def test_it_finds_the_version_of_a_prompt(alice: User, add_prompt: Add, find: Find) -> None:
    prompt = add_prompt(alice, "support/triage", "Sort the ticket by urgency.")
    (hit,) = find(alice, "urgency")
    assert (hit.title, hit.url) == ("support/triage", f"{prompt.get_absolute_url()}?version=1")


def test_it_leaves_system_prompts_out(alice: User, add_call: AddCall, find: Find) -> None:
    add_call(alice, "Hello there", system="You are a pirate named Redbeard.")
    assert find(alice, "Redbeard") == []


def failed(call: Generation) -> None:
    Generation.objects.filter(pk=call.pk).update(status="failed")


@pytest.mark.parametrize(
    ("filters", "change"),
    [
        ({"status": "failed"}, failed),
        ({"model": "gpt-5"}, lambda call: Generation.objects.filter(pk=call.pk).update(request_model="gpt-5")),
        ({"provider": "openai"}, lambda call: Generation.objects.filter(pk=call.pk).update(provider="openai")),
        ({"endpoint": "https://x/v1"}, lambda call: Generation.objects.filter(pk=call.pk).update(base_url="https://x/v1")),
        ({"least_cost": Decimal(1)}, lambda call: Generation.objects.filter(pk=call.pk).update(cost_usd=2)),
        ({"score": 1}, lambda call: rate_call(call=call, user=call.user, value=Score.Value.GOOD, note="")),
    ],
)  # fmt: skip
def test_its_filters_always_hold(
    filters: dict[str, Any], change: Callable[[Generation], object], alice: User, add_call: AddCall, find: Find
) -> None:
    calls = [add_call(alice, f"refund number {number}") for number in range(30)]
    change(calls[7])
    assert [hit.object_id for hit in find(alice, "refund", limit=5, **filters)] == [calls[7].pk]


def test_it_filters_by_time_and_kind(alice: User, add_call: AddCall, add_prompt: Add, find: Find) -> None:
    add_call(alice, "refund the order")
    prompt = add_prompt(alice, "refunds", "Refund the order.")
    assert [hit.object_id for hit in find(alice, "refund", kind="prompt")] == [prompt.pk]
    assert find(alice, "refund", end=timezone.now() - timedelta(days=1)) == []


def test_it_gives_as_many_as_asked_for_although_one_text_stands_everywhere(
    alice: User, add_call: AddCall, find: Find
) -> None:
    for number in range(3):
        add_call(alice, "refund " * 900, "refund " * 900 + f"number {number}")
    assert len(find(alice, "refund", limit=3)) == 3


def test_it_embeds_equal_texts_once(alice: User, bob: User, add_call: AddCall, index: Callable[[], int]) -> None:
    for user in (alice, bob, alice):
        add_call(user, "How do refunds work?", "Within 14 days.")
    index()
    assert (IndexedText.objects.count(), Embedding.objects.count(), Place.objects.count()) == (2, 2, 6)


def test_it_reads_an_answer_anew_when_it_has_changed(
    alice: User, add_conversation: Add, index: Callable[[], int], find: Find
) -> None:
    conversation = add_conversation(alice, "Tides", "first wording")
    index()
    conversation.messages.update(text="second thoughts")
    assert find(alice, '"second thoughts"')
    assert not IndexedText.objects.filter(text="first wording").exists()


def test_identical_calls_are_one_result_with_their_number(alice: User, add_call: AddCall, find: Find) -> None:
    same = [add_call(alice, "How do refunds work?", "Within 14 days.").pk for _ in range(30)]
    other = add_call(alice, "How do refunds work?", "Ask the shop.").pk
    failed(add_call(alice, "How do refunds work?", "Within 14 days."))
    add_call(alice, "How do refunds work?", "Within 14 days.", model="echo-2")
    found = find(alice, "refunds", limit=4)
    assert sorted(hit.same for hit in found) == [1, 1, 1, 30]
    assert [hit.object_id in same for hit in found if hit.same == 30] == [True]
    assert other in {hit.object_id for hit in found}


def test_results_without_copies_are_not_compared(django_assert_num_queries: Any, db: None) -> None:
    found = [Found("call", uuid4(), "question", text, 1.0) for text in range(3)]
    order = [(each.kind, each.object_id) for each in found]
    with django_assert_num_queries(0):
        assert alike(order, [found]) == dict.fromkeys(order, 1)
