"""Fragments that make a page show a run as it goes on.

Every piece of text is sent at most twice: as it comes, escaped, and once more when its block is rendered. So the
bytes sent grow linearly with the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape

from inference.chat.call_painter import CallPainter
from inference.rendering.blocks import BlockSplitter, Tail
from inference.rendering.markdown import AnswerRenderer, is_quick
from inference.runs.stream_buffer import Delta
from inference.turns import turn

# One for all answers: parsing holds the interpreter's lock, so that more of them would only slow the event loop down.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="markdown")


class StreamRenderer:
    """Paints one answer for one page. The first batch replaces what the page shows, later ones add to it."""

    def __init__(self, answer_id: int) -> None:
        self._id = answer_id
        self._splitter = BlockSplitter()
        self._renderer = AnswerRenderer()
        self._calls = CallPainter(answer_id)
        self._is_fresh = True
        self._language: str | None = None

    async def paint(self, deltas: Sequence[Delta]) -> str:
        await turn(sum([len(delta.text) for delta in deltas]))
        if not self._is_fresh and all(delta.kind == "text" for delta in deltas):
            return await self._text("".join([delta.text for delta in deltas]), "beforeend")
        swap = "innerHTML" if self._is_fresh else "beforeend"
        fragments = [
            await self._text("".join(delta.text for delta in deltas if delta.kind == "text"), swap),
            self._added("reasoning", "".join(delta.text for delta in deltas if delta.kind == "reasoning"), swap),
            self._calls.paint(deltas, is_fresh=self._is_fresh),
            *(self._swapped("notice", delta.text, "innerHTML") for delta in deltas[-1:] if delta.kind == "notice"),
        ]
        self._is_fresh = False
        return "".join(fragments)

    async def finish(self) -> str:
        """Render what is still raw."""
        blocks = await self._rendered(self._splitter.finish())
        calls = await asyncio.get_running_loop().run_in_executor(_thread, self._calls.finish)
        notice = self._swapped("notice", "", "innerHTML")
        return self._blocks(blocks, "beforeend") + self._tail(Tail("")) + calls + notice

    async def _text(self, text: str, swap: str) -> str:
        blocks = self._splitter.feed(text)
        if self._is_fresh or blocks or self._splitter.language != self._language:
            self._language = self._splitter.language
            return self._blocks(await self._rendered(blocks), swap) + self._tail(self._splitter.tail)
        return self._added("tail", text, "beforeend")

    async def _rendered(self, blocks: Sequence[str]) -> str:
        if is_quick(blocks):
            return self._renderer.render(blocks)
        return await asyncio.get_running_loop().run_in_executor(_thread, self._renderer.render, blocks)

    def _blocks(self, html: str, swap: str) -> str:
        return f'<div id="blocks-{self._id}" hx-swap-oob="{swap}">{html}</div>' if html or self._is_fresh else ""

    def _tail(self, tail: Tail) -> str:
        shown = 'class="tail"'
        if tail.language is not None:
            shown = f'class="tail tail-code" data-language="{escape(tail.language)}"'
        return f'<div id="tail-{self._id}" {shown} hx-swap-oob="true">{escape(tail.text, quote=False)}</div>'

    def _added(self, part: str, text: str, swap: str) -> str:
        return self._swapped(part, text, swap) if text or self._is_fresh else ""

    def _swapped(self, part: str, text: str, swap: str) -> str:
        return f'<div id="{part}-{self._id}" hx-swap-oob="{swap}">{escape(text, quote=False)}</div>'
