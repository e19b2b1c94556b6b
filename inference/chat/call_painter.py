"""Fragments that make a page show calls of tools while a model writes them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from django.template.loader import render_to_string

from inference.rendering.tool_calls import shown_calls
from inference.runs.stream_buffer import Delta
from inference.runs.tool_calls import CallCollector, as_stored


class CallPainter:
    """Paints the calls of one answer for one page: their arguments first as they come, at the end in colours."""

    def __init__(self, answer_id: int) -> None:
        self._id = answer_id
        self._calls = CallCollector()
        self._shown = 0

    def paint(self, deltas: Sequence[Delta], *, is_fresh: bool) -> str:
        """What is new. ``is_fresh``: it replaces what the page shows."""
        texts: dict[int, list[str]] = {}
        for delta in deltas:
            if (place := self._calls.add(delta)) is not None:
                texts.setdefault(place, []).append(delta.text if delta.kind == "arguments" else "")
        begun = [place for place in sorted(texts) if place >= self._shown]
        grown = [place for place in sorted(texts) if place < self._shown]
        self._shown += len(begun)
        blocks = self._blocks("".join(map(self._block, begun)), is_fresh=is_fresh) if begun or is_fresh else ""
        return blocks + "".join(self._more(place, "".join(texts[place])) for place in grown)

    def finish(self) -> str:
        """All calls as a reload of the page shows them. May take long."""
        if not self._shown:
            return ""
        calls = shown_calls(as_stored(self._calls.calls))
        html = "".join(render_to_string("inference/_tool_call.html", {"call": call}) for call in calls)
        return self._blocks(html, is_fresh=True)

    def _blocks(self, html: str, *, is_fresh: bool) -> str:
        swap = "innerHTML" if is_fresh else "beforeend"
        return f'<div id="calls-{self._id}" hx-swap-oob="{swap}">{html}</div>'

    def _block(self, place: int) -> str:
        call = self._calls.call(place)
        context = {"call": call, "part": f"{self._id}-{place}", "arguments": call.arguments}
        return render_to_string("inference/_tool_call.html", context)

    def _more(self, place: int, arguments: str) -> str:
        name = escape(self._calls.name(place), quote=False)
        text = escape(arguments, quote=False)
        return (
            f'<div id="call-{self._id}-{place}" hx-swap-oob="innerHTML">{name}</div>'
            f'<div id="arguments-{self._id}-{place}" hx-swap-oob="beforeend">{text}</div>'
        )
