"""Reasoning that a model writes into its answer, between ``<think>`` and ``</think>``, told apart from the answer.

Local servers leave it there. Only what an answer begins with counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

Part = tuple[Literal["text", "reasoning"], str]

_OPENING, _CLOSING = "<think>", "</think>"


class ThoughtSplitter:
    """Takes text as it comes. Linear in its length: it holds back no more than a part of a tag."""

    def __init__(self) -> None:
        self._held = ""
        self._has_thought = False
        self._state: Literal["start", "thought", "after", "answer"] = "start"

    def feed(self, text: str) -> Iterator[Part]:
        if self._state == "answer":
            yield "text", text
            return
        held, self._held = self._held + text, ""
        if self._state == "start":
            held = self._begin(held)
        if self._state == "thought":
            thought, held = self._think(held)
            if thought:
                yield "reasoning", thought
        if self._state == "after":
            held = held.lstrip("\n")
            self._state = "answer" if held else "after"
        if self._state == "answer" and held:
            yield "text", held

    def finish(self) -> Iterator[Part]:
        """What was held back. No more text will come."""
        if self._held:
            yield ("reasoning" if self._state == "thought" else "text"), self._held
        self._held = ""

    def _begin(self, text: str) -> str:
        begun = text.lstrip()
        if begun.startswith(_OPENING):
            self._state = "thought"
            return begun.removeprefix(_OPENING)
        if _OPENING.startswith(begun):
            self._held = text
            return ""
        self._state = "answer"
        return text

    def _think(self, text: str) -> tuple[str, str]:
        """The reasoning in ``text`` and what follows it."""
        text = text if self._has_thought else text.lstrip("\n")
        self._has_thought = self._has_thought or bool(text)
        thought, closing, rest = text.partition(_CLOSING)
        if closing:
            self._state = "after"
            return thought, rest
        held = next((size for size in range(len(_CLOSING) - 1, 0, -1) if text.endswith(_CLOSING[:size])), 0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held], ""
