from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.diffs import MOST_LINES, Fold, Row, Section, Side, compare, folded, rows_of
from prompts.drafts import Draft


def text_of(side: Side | None) -> str | None:
    return None if side is None else "".join(piece.text for piece in side.pieces)


def changed_words(side: Side | None) -> list[str]:
    return [piece.text for piece in side.pieces if piece.is_changed] if side else []


def test_it_marks_the_words_that_differ() -> None:
    (row,) = rows_of("You are a helpful clerk.", "You are a friendly clerk.")
    assert row.kind == "changed"
    assert (changed_words(row.old), changed_words(row.new)) == (["helpful"], ["friendly"])


def test_it_puts_removed_and_added_lines_on_their_own_side() -> None:
    assert [(row.kind, text_of(row.old), text_of(row.new)) for row in rows_of("a\nb", "b\nc")] == [
        ("removed", "a", None),
        ("equal", "b", "b"),
        ("added", None, "c"),
    ]


@given(st.lists(st.sampled_from(["a", "b", "c d", ""])), st.lists(st.sampled_from(["a", "b", "c e", ""])))
def test_each_side_is_its_whole_text(old: list[str], new: list[str]) -> None:
    before, after = "\n".join(old), "\n".join(new)
    rows = rows_of(before, after)
    assert [text_of(row.old) for row in rows if row.old] == before.splitlines()
    assert [text_of(row.new) for row in rows if row.new] == after.splitlines()


def test_it_folds_what_is_far_from_a_change() -> None:
    lines = [str(number) for number in range(20)]
    shown = folded(rows_of("\n".join(lines), "\n".join([*lines[:10], "x", *lines[11:]])))
    assert [len(row.rows) if isinstance(row, Fold) else row.kind for row in shown] == [
        7, "equal", "equal", "equal", "changed", "equal", "equal", "equal", 6,
    ]  # fmt: skip


def test_it_compares_every_part_that_either_has() -> None:
    old = Draft("Hi", config={"a": 1}, model="gpt-x")
    new = Draft("Hi", config={"a": 2}, model="gpt-x", response_schema={"type": "object"})
    sections = {section.title: section.has_changed for section in compare(old, new)}
    assert sections == {"Prompt": False, "Model and parameters": False, "Response schema": True, "Config": True}


def test_messages_are_compared_line_by_line_with_their_roles() -> None:
    old = Draft([{"type": "chatmessage", "role": "system", "content": "Be brief."}])
    new = Draft([*old.body, {"type": "placeholder", "name": "history"}])
    (section,) = compare(old, new)
    added = [text_of(row.new) for row in section.rows if isinstance(row, Row) and row.kind == "added"]
    assert added == ["", "[placeholder] history"]


def test_one_below_the_other_removed_lines_come_first() -> None:
    section = Section("Prompt", folded(rows_of("a\nb\nc", "x\ny\nc\nd")))
    shown = [(row.kind, text_of(row.old or row.new)) for row in section.unified if isinstance(row, Row)]
    assert shown == [("removed", "a"), ("removed", "b"), ("added", "x"), ("added", "y"), ("equal", "c"), ("added", "d")]
    assert (section.added, section.removed) == (3, 2)


def test_what_is_unchanged_stays_folded_one_below_the_other() -> None:
    section = Section("Prompt", folded(rows_of("a\n" * 20 + "b", "a\n" * 20 + "c")))
    assert [type(row) for row in section.unified] == [Fold, Row, Row, Row, Row, Row]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 250_000, "b\n" + "a\n" * 249_999),
        ("\n".join(map(str, range(80_000))), "\n".join(map(str, reversed(range(80_000))))),
        ("a " * 250_000, "b " * 250_000),
        ("a " * 250_000, "a " * 249_999 + "b"),
    ],
    ids=["equal lines", "turned round", "other words", "equal words"],
)
def test_the_largest_texts_take_no_minutes(old: str, new: str) -> None:
    begin = time.perf_counter()
    (section,) = compare(Draft(old), Draft(new))
    assert section.has_changed and time.perf_counter() - begin < 10
    assert section.is_cut == (old.count("\n") > MOST_LINES)
