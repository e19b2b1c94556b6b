"""Fragments that make a page show a run as it goes on.

A block is sent for good once it is finished; until then it is an ``OpenBlock``. So the bytes sent grow linearly with
the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape

from django.template.loader import render_to_string

from inference.chat.call_painter import CallPainter
from inference.chat.open_block import OpenBlock
from inference.rendering.blocks import BlockSplitter
from inference.rendering.markdown import AnswerRenderer, is_quick, render_whole
from inference.runs.stream_buffer import Delta
from inference.runs.waiting import waiting_of
from inference.turns import turn

# One for all answers: parsing holds the interpreter's lock, so that more of them would only slow the event loop down.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="markdown")


class StreamRenderer:
    """Paints one answer for one page. The first batch replaces what the page shows, later ones add to it."""

    def __init__(self, answer_id: int) -> None:
        self._id = answer_id
        self._has_notice = False
        self._splitter = BlockSplitter()
        self._renderer = AnswerRenderer()
        self._calls = CallPainter(answer_id)
        self._blocks: list[str] = []
        self._is_fresh = True
        self._language: str | None = None

    async def paint(self, deltas: Sequence[Delta]) -> str:
        await turn(sum([len(delta.text) for delta in deltas]))
        if not self._is_fresh and all(delta.kind == "text" for delta in deltas):
            return await self._text("".join([delta.text for delta in deltas]), "beforeend") + self._notice(deltas)
        swap = "innerHTML" if self._is_fresh else "beforeend"
        fragments = [
            await self._text("".join(delta.text for delta in deltas if delta.kind == "text"), swap),
            self._added("reasoning", "".join(delta.text for delta in deltas if delta.kind == "reasoning"), swap),
            self._calls.paint(deltas, is_fresh=self._is_fresh),
            self._notice(deltas),
        ]
        self._is_fresh = False
        return "".join(fragments)

    async def finish(self) -> str:
        """Render what is still open."""
        shown = self._shown(await self._rendered(self._splitter.finish()), "beforeend")
        if self._renderer.links:
            # What was shown before did not know them all.
            shown = self._shown(await _in_thread(lambda: render_whole(self._blocks)), "innerHTML")
        calls = await _in_thread(self._calls.finish)
        tail = f'<div id="tail-{self._id}" class="prose tail" hx-swap-oob="true"></div>'
        return shown + tail + calls + self._swapped("notice", "", "innerHTML")

    async def _text(self, text: str, swap: str) -> str:
        finished = self._splitter.feed(text)
        blocks = await self._rendered(finished) if finished else ""
        if self._is_fresh or finished or self._splitter.language != self._language:
            tail = self._splitter.tail
            self._language = tail.language
            self._open = OpenBlock(self._id, tail)
            return self._shown(blocks, swap) + await self._painted(self._open.begin, tail.text)
        if self._open.adds_only(text):
            return self._open.add(text)
        return await self._painted(lambda: self._open.add(text), text)

    async def _painted(self, paint: Callable[[], str], text: str) -> str:
        is_short = self._language is None and is_quick([text]) and self._open.is_short
        return paint() if is_short else await _in_thread(paint)

    async def _rendered(self, blocks: Sequence[str]) -> str:
        self._blocks += blocks
        if is_quick(blocks):
            return self._renderer.render(blocks)
        return await _in_thread(lambda: self._renderer.render(blocks))

    def _shown(self, html: str, swap: str) -> str:
        return f'<div id="blocks-{self._id}" hx-swap-oob="{swap}">{html}</div>' if html or self._is_fresh else ""

    def _notice(self, deltas: Sequence[Delta]) -> str:
        """The last one, until something comes of the answer."""
        if not deltas:
            return ""
        waits = deltas[-1].kind == "notice"
        if not waits and not self._has_notice:
            return ""
        self._has_notice = waits
        shown = _waiting(deltas[-1].text) if waits else ""
        return f'<div id="notice-{self._id}" hx-swap-oob="innerHTML">{shown}</div>'

    def _added(self, part: str, text: str, swap: str) -> str:
        return self._swapped(part, text, swap) if text or self._is_fresh else ""

    def _swapped(self, part: str, text: str, swap: str) -> str:
        return f'<div id="{part}-{self._id}" hx-swap-oob="{swap}">{escape(text, quote=False)}</div>'


def _waiting(notice: str) -> str:
    return render_to_string("inference/_waiting.html", {"waiting": waiting_of(notice)})


async def _in_thread(work: Callable[[], str]) -> str:
    return await asyncio.get_running_loop().run_in_executor(_thread, work)
