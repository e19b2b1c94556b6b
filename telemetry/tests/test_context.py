"""What calls have sent is stored once, and is read back exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.personal_data.erasure import erase_user
from telemetry.context import ROOT, SentMessage, chain, digest_of, head_of, period_of
from telemetry.models import ContextMessage, Generation, GenerationContent

Make = Callable[..., Generation]
MAY = date(2026, 5, 1)
SYSTEM, HELLO, HI = SentMessage("system", "Be brief."), SentMessage("user", "Hello?"), SentMessage("assistant", "Hi")


def sent_by(generation: Generation) -> list[SentMessage]:
    return GenerationContent.objects.get(generation=generation).sent()


def test_the_digest_is_that_of_the_documented_bytes() -> None:
    first = sha256(b"\0" * 8 + b"\0\0\0\0\0\0\0\4user" + b"\0\0\0\0\0\0\0\3\xc3\xa4x").digest()
    second = sha256(b"\0\0\0\0\0\0\0\x20" + first + b"\0\0\0\0\0\0\0\x09assistant" + b"\0\0\0\0\0\0\0\x02Hi").digest()
    assert digest_of(ROOT, SentMessage("user", "äx")) == first
    assert digest_of(first, HI) == second


def test_what_differs_in_any_part_differs_in_its_digest() -> None:
    parents = (ROOT, digest_of(ROOT, HELLO))
    others = (("user", "Hi"), ("use", "rHi"), ("user", ""), ("user", "Hi", "{}"), ("user", "", "Hi"))
    messages = (HELLO, HI, *(SentMessage(*other) for other in others))
    assert len({digest_of(parent, message) for parent in parents for message in messages}) == 14


def test_what_is_known_is_used_as_far_as_it_is_the_same() -> None:
    known = chain([SYSTEM, HELLO, HI])
    longer = chain([SYSTEM, HELLO, HI, HELLO], known=known)
    assert [entry is other for entry, other in zip(longer, known, strict=False)] == [True] * 3
    assert longer == chain([SYSTEM, HELLO, HI, HELLO])
    for other in ([HELLO, HI, HELLO], [SYSTEM, HI, HI], [SYSTEM], []):
        assert chain(other, known=known) == chain(other)


@pytest.mark.parametrize(
    ("moment", "period"),
    [
        (datetime(2026, 5, 1, tzinfo=UTC), MAY),
        (datetime(2026, 5, 31, 23, 59, 59, 999999, tzinfo=UTC), MAY),
        (datetime(2026, 6, 1, 1, tzinfo=timezone(timedelta(hours=2))), MAY),
        (datetime(2026, 4, 30, 22, tzinfo=timezone(timedelta(hours=-2))), MAY),
    ],
)
def test_a_period_is_a_month_in_utc(moment: datetime, period: date) -> None:
    assert period_of(moment) == period


@pytest.mark.parametrize(
    "sent",
    [
        [HELLO],
        [SYSTEM, HELLO],
        [HELLO, HELLO, HELLO],
        [SYSTEM, HELLO, HI, HELLO, HI, HELLO],
        [SentMessage("system", " "), SentMessage("user", "\r\n\t e\u0301 \u200f🇩🇪 \\ ' % {} \x7f\uffff\U0010ffff ")],
        [SentMessage("user", "x" * 3_000_000)],
    ],
    ids=["one", "with system prompt", "the same again", "turns", "odd characters", "long"],
)
def test_it_reads_back_what_was_sent(start: Make, alice: User, sent: list[SentMessage]) -> None:
    assert sent_by(start(user=alice, sent=sent)) == sent


def test_it_stores_each_message_of_a_conversation_once(start: Make, alice: User) -> None:
    sent, calls = [SYSTEM], []
    for turn in range(20):
        sent += [SentMessage("user", f"Question {turn}")]
        calls.append((start(user=alice, sent=sent), tuple(sent)))
        sent += [SentMessage("assistant", f"Answer {turn}")]
    assert ContextMessage.objects.count() == 40
    assert all(sent_by(call) == list(whole) for call, whole in calls)


def test_branches_share_what_is_above_them(start: Make, alice: User) -> None:
    branches = [[SYSTEM, HELLO, HI, SentMessage("user", text)] for text in ("Why?", "How?")]
    calls = [start(user=alice, sent=branch) for branch in branches]
    assert [sent_by(call) for call in calls] == branches
    assert ContextMessage.objects.count() == 5


def test_users_share_nothing(start: Make, alice: User, bob: User, settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    calls = [start(user=user, sent=[SYSTEM, HELLO]) for user in (alice, bob)]
    assert [ContextMessage.objects.filter(user=user).count() for user in (alice, bob)] == [2, 2]
    erase_user(user=bob, actor=None)
    assert sent_by(calls[0]) == [SYSTEM, HELLO]
    assert set(ContextMessage.objects.values_list("user", flat=True)) == {alice.pk}


def test_periods_share_nothing(start: Make, alice: User) -> None:
    before = start(user=alice, sent=[SYSTEM, HELLO])
    for table in (ContextMessage, GenerationContent):
        table.objects.update(period=MAY)
    after = start(user=alice, sent=[SYSTEM, HELLO, HI, HELLO])
    assert (sent_by(before), sent_by(after)) == ([SYSTEM, HELLO], [SYSTEM, HELLO, HI, HELLO])
    ContextMessage.objects.filter(period=MAY).delete()
    assert (sent_by(before), sent_by(after)) == ([], [SYSTEM, HELLO, HI, HELLO])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_it_shows_nothing_where_a_part_is_missing_or_altered(start: Make, alice: User, place: int) -> None:
    call = start(user=alice, sent=[SYSTEM, HELLO, HI])
    row = ContextMessage.objects.filter(digest=chain([SYSTEM, HELLO, HI])[place].digest)
    text = row.get().text
    row.update(text=f"{text} ")
    assert sent_by(call) == []
    row.update(text=text)
    assert head_of(chain(sent_by(call))) == GenerationContent.objects.get().head
    row.delete()
    assert sent_by(call) == []
