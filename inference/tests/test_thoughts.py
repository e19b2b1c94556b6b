"""Reasoning that local models write into their answers."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.runs.thoughts import ThoughtSplitter


def split(pieces: list[str]) -> dict[str, str]:
    splitter = ThoughtSplitter()
    parts = [part for piece in pieces for part in splitter.feed(piece)] + list(splitter.finish())
    return {kind: "".join(text for _, text in group) for kind, group in groupby(parts, key=lambda part: part[0])}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<think>\nHm.\n</think>\n\nYes", {"reasoning": "Hm.\n", "text": "Yes"}),
        ("<think>Hm", {"reasoning": "Hm"}),
        ("Yes <think>no</think>", {"text": "Yes <think>no</think>"}),
        ("<thin", {"text": "<thin"}),
        ("<b>", {"text": "<b>"}),
    ],
)
def test_it_tells_thoughts_from_the_answer(text: str, parts: dict[str, str]) -> None:
    assert split([text]) == parts
    assert split(list(text)) == parts


@given(st.text("<think>/ a\n", max_size=40))
def test_it_says_the_same_however_the_text_is_cut(text: str) -> None:
    assert split([text]) == split(list(text))
