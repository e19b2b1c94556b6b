from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.text import escape_controls, replace_unstorable

texts = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf"]))


@given(texts)
def test_it_leaves_nothing_that_cannot_be_stored(text: str) -> None:
    stored = replace_unstorable(text)
    assert "\0" not in stored
    assert stored.encode().decode() == stored


def test_it_marks_the_place_of_what_it_replaces() -> None:
    sent = {"na\0me": ["a\ud800b", 1, None, ("é\n",)]}
    assert replace_unstorable(sent) == {"na\ufffdme": ["a\ufffdb", 1, None, ["é\n"]]}


def test_it_cuts_texts_wherever_they_are() -> None:
    assert replace_unstorable({"abcd": ["efgh"]}, longest=2) == {"ab": ["ef"]}


@given(texts)
def test_it_leaves_no_character_that_acts_on_a_terminal(text: str) -> None:
    escaped = escape_controls(text)
    assert escaped.isprintable()
    assert len(list(csv.reader(io.StringIO(escaped, newline="")))) <= 1


@pytest.mark.parametrize(("text", "shown"), [("\x1b[2J", r"\x1b[2J"), ("a\u202eb", r"a\u202eb"), ("é a\tb", "é a\tb")])
def test_it_shows_what_it_escapes(text: str, shown: str) -> None:
    assert escape_controls(text, keep="\t") == shown
