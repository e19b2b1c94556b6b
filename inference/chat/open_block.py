"""Fragments that make a page show the block of an answer that is still coming: rendered, though it is not finished.

Words are added to where the block ends. It is rendered anew when marks come, as often as its length allows: bytes and
time grow in proportion to the answer, whatever a model writes.
"""

from __future__ import annotations

import re
from html import escape
from io import StringIO

from inference.rendering.blocks import Tail
from inference.rendering.dialect import code_figure
from inference.rendering.highlighting import CodeBudget
from inference.rendering.markdown import BLOCK_STEPS, render_open, steps

# Characters that may be rendered again: some for each block, and so many for each of its own.
FREE, PER_CHARACTER = 1_500, 4
# Stands where the block goes on while it is rendered. A private character, which no text of a model keeps.
_END = "\ue000"
_SHORT = 400
_MARKS = re.compile(r"[^\w\s.,;?'\"/%]|\n|\d[.)]")


class OpenBlock:
    """One block from its beginning to where it is cut. To paint it may take long, unless it ``is_short``."""

    def __init__(self, answer_id: int, tail: Tail) -> None:
        self._id = answer_id
        self._language = tail.language
        self._text = StringIO()
        self._text.write(tail.text)
        self._length = len(tail.text)
        self._spent = 0
        self._coloured = 0
        self._is_stale = False

    @property
    def is_short(self) -> bool:
        """Whether it takes less time than the way to another thread and back."""
        return self._length < _SHORT

    def adds_only(self, text: str) -> bool:
        """Whether ``add`` sends the text as it is, which takes no time however long the block is."""
        if self._language is not None:
            return not self._language or "\n" not in text or not self._can_render(len(text))
        is_stale = self._is_stale or bool(_MARKS.search(text))
        return not is_stale or not self._can_render(len(text))

    def begin(self) -> str:
        """In place of whatever the page shows of an open block."""
        if self._language is None:
            return self._tail(self._rendered())
        done = f'<span id="done-{self._id}"></span>'
        figure = code_figure(done + self._end(), self._language)
        code = self._text.getvalue()
        return self._tail(figure) + (self._added(code) if code else "")

    def add(self, text: str) -> str:
        self._text.write(text)
        self._length += len(text)
        if self._language is not None:
            return self._add_code(text)
        self._is_stale = self._is_stale or bool(_MARKS.search(text))
        if self._is_stale and self._may_render():
            return self._tail(self._rendered())
        return self._added(text)

    def _can_render(self, more: int = 0) -> bool:
        """With so many characters more than there are."""
        length = self._length + more
        return self._spent + length <= FREE + PER_CHARACTER * length

    def _may_render(self) -> bool:
        """Notes what it costs."""
        if not self._can_render():
            return False
        self._spent += self._length
        return True

    def _rendered(self) -> str:
        self._is_stale = False
        text = self._text.getvalue().replace(_END, "")
        if steps(text) > BLOCK_STEPS:
            return f'<pre class="unformatted">{escape(text, quote=False)}{self._end()}</pre>'
        before, found, after = render_open(text, _END).partition(_END)
        return before + self._end() + after if found else f"{before}<p>{self._end()}</p>"

    def _add_code(self, text: str) -> str:
        """Lines are coloured when they are complete."""
        if "\n" not in text or not self._language or not self._may_render():
            return self._added(text)
        code = self._text.getvalue()
        complete = code[: code.rindex("\n") + 1]
        html = CodeBudget().highlight(self._language, complete)
        if html is None:
            return self._added(text)
        lines = html.splitlines(keepends=True)[self._coloured :]
        self._coloured += len(lines)
        rest = escape(code[len(complete) :], quote=False)
        done = f'<div id="done-{self._id}" hx-swap-oob="beforeend">{"".join(lines)}</div>'
        return f'{done}<div id="open-{self._id}" hx-swap-oob="innerHTML">{rest}</div>'

    def _end(self) -> str:
        return f'<span id="open-{self._id}" class="open"></span>'

    def _added(self, text: str) -> str:
        return f'<div id="open-{self._id}" hx-swap-oob="beforeend">{escape(text, quote=False)}</div>' if text else ""

    def _tail(self, html: str) -> str:
        return f'<div id="tail-{self._id}" class="prose tail" hx-swap-oob="true">{html}</div>'
