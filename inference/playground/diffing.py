"""Answers as they differ, by word, from one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prompts.diffs import Kind, inline

if TYPE_CHECKING:
    from inference.playground.models import PanelAnswer


@dataclass(frozen=True, slots=True)
class AnswerDiff:
    """``baseline`` names the other answer, such as ``panel 1``; '' where this one is the baseline itself."""

    baseline: str
    parts: Sequence[tuple[Kind, str]] = ()

    @property
    def added(self) -> int:
        return self._words("added")

    @property
    def removed(self) -> int:
        return self._words("removed")

    def _words(self, kind: Kind) -> int:
        return sum(len(text.split()) for found, text in self.parts if found == kind)


def compare(panels: Sequence[Sequence[PanelAnswer]], base: int | None) -> None:
    """Notes with each answer that has ended how it differs from the answer ``base``, or else from the first one."""
    named = list(_ended(panels))
    if not named:
        return
    baseline, name = next((one for one in named if one[0].pk == base), named[0])
    for answer, _ in named:
        parts = () if answer is baseline else list(inline(text_of(baseline), text_of(answer)))
        answer.diff = AnswerDiff("" if answer is baseline else name, parts)


def _ended(panels: Sequence[Sequence[PanelAnswer]]) -> Iterator[tuple[PanelAnswer, str]]:
    """With their names."""
    for number, answers in enumerate(panels, start=1):
        has_several = len({answer.number for answer in answers}) > 1
        for answer in answers:
            if not answer.is_running:
                yield answer, f"answer {answer.number} of panel {number}" if has_several else f"panel {number}"


def text_of(answer: PanelAnswer) -> str:
    """Empty where it is no longer kept."""
    content = getattr(answer.generation, "content", None)
    return content.response_text if content else ""
