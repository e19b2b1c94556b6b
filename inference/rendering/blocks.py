"""Growing Markdown, cut into top-level blocks that later text cannot change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO

# Possessive where a line of one kind of character could otherwise be tried at each of its lengths.
_FENCE = re.compile(r" {0,3}(`{3,}+|~{3,}+)([^\n`]*)\n?$")
_INNER_FENCE = re.compile(r"\s*+(?:(?:[-*+]|\d{1,9}[.)])\s*+)?(`{3,}+|~{3,}+)")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_LIST_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
# Whatever may follow on the line, it neither continues a list nor is it a fence, a heading or indented code.
_BEGINS_PARAGRAPH = re.compile(r"[^\s\d*+\-`~#]")


def is_fence(block: str) -> bool:
    """Whether a block of ``BlockSplitter`` is one block of code between fences."""
    return bool(_FENCE.match(block[: block.find("\n") + 1] or block))


@dataclass(frozen=True, slots=True)
class Tail:
    """The block that is still coming, as it is to be shown: ``language`` is None outside a code fence."""

    text: str
    language: str | None = None


class BlockSplitter:
    """Takes text as it comes. Linear in its length in time and memory, however long a block or a line is.

    All blocks and the rest, put together, are the text that was fed, however it was cut into pieces.
    """

    def __init__(self) -> None:
        self._line = StringIO()
        self._line_start = ""
        self._begin()

    def _begin(self) -> None:
        self._block = StringIO()
        self._lines = 0
        self._is_list = self._is_indented = self._has_text = False
        self._after_blank = False
        self._fence = ""
        self._language: str | None = None
        self._opening_length = 0

    def feed(self, text: str) -> list[str]:
        """Take more text and return the blocks that it has finished."""
        whole, newline, rest = text.rpartition("\n")
        blocks: list[str] = []
        if newline:
            lines = (self._take_line() + whole).split("\n")
            blocks = [block for line in lines for block in self._take(line + "\n")]
        if rest:
            self._line_start = self._line_start or rest[0]
            self._line.write(rest)
        if self._after_blank and self._lines and not self._fence and _BEGINS_PARAGRAPH.match(self._line_start):
            blocks += self._cut()
        return blocks

    def finish(self) -> list[str]:
        """No more text will come: return what is left."""
        rest = self._block.getvalue() + self._take_line()
        self._begin()
        return [rest] if rest else []

    @property
    def language(self) -> str | None:
        """That of the code fence that is still open; None outside one."""
        return self._language

    @property
    def tail(self) -> Tail:
        """Takes time in the length of the block: to be asked for when a block begins."""
        return Tail(self._block.getvalue()[self._opening_length :] + self._line.getvalue(), self._language)

    def _take_line(self) -> str:
        line, self._line, self._line_start = self._line.getvalue(), StringIO(), ""
        return line

    def _take(self, line: str) -> list[str]:
        if self._fence:
            return self._take_in_fence(line)
        if not line.strip():
            self._after_blank = True
            self._append(line)
            return []
        return self._take_text(line)

    def _take_in_fence(self, line: str) -> list[str]:
        self._append(line)
        mark = line.strip()
        if len(mark) < len(self._fence) or set(mark) != {self._fence[0]}:
            return []
        self._fence, self._after_blank = "", False
        return [] if self._language is None else self._cut()

    def _take_text(self, line: str) -> list[str]:
        opening = _FENCE.match(line)
        done = self._cut() if self._begins_block(line, is_fence=bool(opening)) else []
        self._after_blank = False
        is_first = not self._lines
        self._append(line)
        if opening and is_first:
            self._fence, self._language = opening[1], opening[2].strip().split(" ")[0]
            self._opening_length = len(line)
        elif inner := _INNER_FENCE.match(line):
            self._fence = inner[1]
        elif is_first and _HEADING.match(line):
            done += self._cut()
        return done

    def _append(self, line: str) -> None:
        if not self._has_text and line.strip():
            self._has_text = True
            self._is_list = bool(_LIST_ITEM.match(line))
            self._is_indented = line.startswith(("    ", "\t"))
        self._lines += 1
        self._block.write(line)

    def _begins_block(self, line: str, *, is_fence: bool) -> bool:
        if not self._lines:
            return False
        if self._is_list:
            return self._after_blank and not line.startswith((" ", "\t")) and not _LIST_ITEM.match(line)
        if is_fence or _HEADING.match(line):
            return True
        if self._is_indented and line.startswith(("    ", "\t")):
            return False
        return self._after_blank

    def _cut(self) -> list[str]:
        block = self._block.getvalue()
        self._begin()
        return [block]
