"""Markdown from a model, made into HTML that can neither run nor load anything.

Text is cut into top-level blocks as it streams (``BlockSplitter``), and each finished block is rendered once
(``render_block``). A stored answer is rendered through the same two steps, so nothing moves when a stream ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\n`]*)\n?$")
_INNER_FENCE = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])?\s*(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_LIST_ITEM = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)")
# Whatever may follow on the line, it neither continues a list nor is it a fence, a heading or indented code.
_BEGINS_PARAGRAPH = re.compile(r"[^\s\d*+\-`~#]")


@dataclass(frozen=True, slots=True)
class Tail:
    """The block that is still coming, as it is to be shown: ``language`` is None outside a code fence."""

    text: str
    language: str | None = None


@dataclass
class BlockSplitter:
    """Cuts growing Markdown into blocks that later text cannot change. Linear in the length of the text.

    All blocks and the rest, put together, are the text that was fed, however it was cut into pieces.
    """

    _lines: list[str] = field(default_factory=list)
    _partial: str = ""
    _fence: str = ""
    _language: str | None = None
    _after_blank: bool = False

    def feed(self, text: str) -> list[str]:
        """Take more text and return the blocks that it has finished."""
        *whole, self._partial = (self._partial + text).split("\n")
        blocks = [block for line in whole for block in self._take(line + "\n")]
        if self._after_blank and self._lines and not self._fence and _BEGINS_PARAGRAPH.match(self._partial):
            blocks += self._cut()
        return blocks

    def finish(self) -> list[str]:
        """No more text will come: return what is left."""
        rest = "".join(self._lines) + self._partial
        self._lines, self._partial, self._fence, self._language = [], "", "", None
        return [rest] if rest else []

    @property
    def tail(self) -> Tail:
        lines = self._lines if self._language is None else self._lines[1:]
        return Tail("".join(lines) + self._partial, self._language)

    def _take(self, line: str) -> list[str]:
        if self._fence:
            return self._take_in_fence(line)
        if not line.strip():
            self._after_blank = True
            self._lines.append(line)
            return []
        return self._take_text(line)

    def _take_in_fence(self, line: str) -> list[str]:
        self._lines.append(line)
        mark = line.strip()
        if len(mark) < len(self._fence) or set(mark) != {self._fence[0]}:
            return []
        self._fence, self._after_blank = "", False
        if self._language is None:
            return []
        self._language = None
        return self._cut()

    def _take_text(self, line: str) -> list[str]:
        opening = _FENCE.match(line)
        done = self._cut() if self._begins_block(line, is_fence=bool(opening)) else []
        self._after_blank = False
        self._lines.append(line)
        if opening and len(self._lines) == 1:
            self._fence, self._language = opening[1], opening[2].strip().split(" ")[0]
        elif inner := _INNER_FENCE.match(line):
            self._fence = inner[1]
        elif _HEADING.match(line) and len(self._lines) == 1:
            done += self._cut()
        return done

    def _begins_block(self, line: str, *, is_fence: bool) -> bool:
        if not self._lines:
            return False
        if _LIST_ITEM.match(self._first_line()):
            return self._after_blank and not line.startswith((" ", "\t")) and not _LIST_ITEM.match(line)
        if is_fence or _HEADING.match(line):
            return True
        if self._first_line().startswith(("    ", "\t")) and line.startswith(("    ", "\t")):
            return False
        return self._after_blank

    def _first_line(self) -> str:
        return next((line for line in self._lines if line.strip()), "")

    def _cut(self) -> list[str]:
        block = "".join(self._lines)
        self._lines, self._after_blank = [], False
        return [block]


class _SafeRenderer(RendererHTML):
    """Links leave in a new tab, pictures become links, code is highlighted and can be copied."""

    def link_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        tokens[index].attrs |= {"target": "_blank", "rel": "noopener noreferrer nofollow"}
        return self.renderToken(tokens, index, options, env)

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        source = str(tokens[index].attrs.get("src", ""))
        label = tokens[index].content or source
        return (
            f'<a href="{escape(source)}" target="_blank" rel="noopener noreferrer nofollow">Image: {escape(label)}</a>'
        )

    def fence(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        words = tokens[index].info.split()
        return render_code(tokens[index].content, words[0] if words else "")

    def code_block(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return render_code(tokens[index].content, "")


def render_code(code: str, language: str) -> str:
    """A code block with its language, a copy and a wrap button."""
    return (
        f'<figure class="code"><figcaption><span class="language">{escape(language or "text")}</span>'
        '<button type="button" class="copy-code">Copy</button>'
        '<button type="button" class="wrap-code" aria-pressed="false">Wrap</button></figcaption>'
        f'<pre tabindex="0"><code class="highlight">{_highlighted(code, language)}</code></pre></figure>\n'
    )


# Highlighting takes time in the length of the code; beyond this it is shown plain.
_HIGHLIGHT_LIMIT = 50_000
_FORMATTER = HtmlFormatter(nowrap=True)


def _highlighted(code: str, language: str) -> str:
    if not language or len(code) > _HIGHLIGHT_LIMIT:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    return highlight(code, lexer, _FORMATTER)


_MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=_SafeRenderer).enable(["table", "strikethrough"])

_CLEANER = nh3.Cleaner(
    tags={
        *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "em", "strong", "s"),
        *("a", "code", "pre", "span", "figure", "figcaption", "button"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    },
    attributes={
        "a": {"href", "target", "rel"},
        "ol": {"start"},
        "span": {"class"},
        "code": {"class"},
        "figure": {"class"},
        "pre": {"tabindex"},
        "button": {"type", "class", "aria-pressed"},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


def render_block(source: str) -> str:
    """One block of Markdown as safe HTML."""
    return _CLEANER.clean(_MARKDOWN.render(source))


def render(source: str) -> str:
    """A whole answer as safe HTML, the same as its stream would have left on the page."""
    splitter = BlockSplitter()
    return "".join(render_block(block) for block in [*splitter.feed(source), *splitter.finish()])
