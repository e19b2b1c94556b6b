"""What the page of a playground is sent over its socket."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.html import format_html

from inference.chat.call_painter import CallPainter
from inference.playground.models import PanelAnswer, Playground
from inference.playground.shown import shown
from inference.runs.stream_buffer import Delta, text_of
from inference.runs.waiting import waiting_of

if TYPE_CHECKING:
    from accounts.models import User


class AnswerPainter:
    """Paints one answer as plain text. The first batch replaces what the page shows, later ones add to it."""

    def __init__(self, answer_id: int) -> None:
        self._id = answer_id
        self._calls = CallPainter(answer_id)
        self._is_fresh = True

    def paint(self, deltas: Sequence[Delta]) -> str:
        swap = "innerHTML" if self._is_fresh else "beforeend"
        parts = [self._part(kind, text_of(deltas, kind), swap) for kind in ("text", "reasoning")]
        parts.append(self._calls.paint(deltas, is_fresh=self._is_fresh))
        notices = [delta.text for delta in deltas[-1:] if delta.kind == "notice"]
        parts += [self._part("notice", waiting_of(notice).words, "innerHTML") for notice in notices]
        self._is_fresh = False
        return "".join(parts)

    def _part(self, part: str, text: str, swap: str) -> str:
        if not (text or self._is_fresh):
            return ""
        return f'<div id="answer-{part}-{self._id}" hx-swap-oob="{swap}">{escape(text, quote=False)}</div>'


def render_round(playground_id: UUID, refused: Mapping[int, str], panel_ids: Collection[int], *, viewer: User) -> str:
    """The panels that were asked to run, with their answers to come or why there are none."""
    page = shown(Playground.objects.select_related("owner").get(pk=playground_id), viewer)
    panels = [panel for panel in page.panels if panel.panel.pk in panel_ids]
    context = {"page": page, "panels": panels, "refused": refused, "is_swap": True}
    return render_to_string("playground/_round.html", context)


def render_refused_results(answer_id: int, problem: str) -> str:
    """Beside the form in which the results were written."""
    return format_html('<p id="results-problem-{}" class="errorlist" hx-swap-oob="true">{}</p>', answer_id, problem)


def render_ended(answer_id: int, *, viewer: User) -> str:
    """An answer that has ended, and the figures of all panels beside it; nothing where a newer one is shown."""
    answer = PanelAnswer.objects.select_related("panel__playground__owner", "generation__content").get(pk=answer_id)
    if answer.round != answer.panel.round:
        return ""
    page = shown(answer.panel.playground, viewer)
    context = {"page": page, "answer": answer, "is_swap": True}
    return render_to_string("playground/_ended.html", context)
