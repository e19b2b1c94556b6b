"""Markdown from a model, made into HTML that can neither run nor load anything.

Text is cut into top-level blocks as it streams (``BlockSplitter``), and each finished block is rendered once. A stored
answer is rendered through the same two steps, so nothing moves when a stream ends. What would take too long is shown
as it was written; how long it would take is told from the text alone, so that it is the same each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from inference.rendering.blocks import BlockSplitter, is_fence
from inference.rendering.highlighting import CodeBudget

# What parsing and cleaning take is counted in steps of at most some 30 µs: characters that may be markup, cells of
# tables, pairs of spaces, which nested blocks look at again and again, and some for each line and each block.
BLOCK_STEPS = 5_000
ANSWER_STEPS = 100_000
_MARKS = (*"!#$%&*+-:<=>@[\\]^_`{}~\t", "  ")
_STEPS_PER_BLOCK = 5
_STEPS_PER_LINE = 3
_CHARACTERS_PER_STEP = 50
_CODE_CHARACTERS_PER_STEP = 10
# A paragraph takes less time than the way to another thread and back.
_QUICK_STEPS = 150

_FENCE = re.compile(r" {0,3}(```|~~~)")
# Gaps, tabs, indentation or bars, by which lines stand below each other.
_IN_COLUMNS = re.compile(r"\S {2,}\S|\t|^ {4}|^\s*\|")


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
        code, language = tokens[index].content, words[0] if words else ""
        return _figure(env["code"].highlight(language, code) or escape(code), language)

    def code_block(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return _figure(escape(tokens[index].content), "")


def _figure(code: str, language: str) -> str:
    """A code block, given as HTML, with its language, a copy and a wrap button."""
    return (
        f'<figure class="code"><figcaption><span class="language">{escape(language or "text")}</span>'
        '<button type="button" class="copy-code">Copy</button>'
        '<button type="button" class="wrap-code" aria-pressed="false">Wrap</button></figcaption>'
        f'<pre tabindex="0"><code class="highlight">{code}</code></pre></figure>\n'
    )


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


def steps(block: str) -> int:
    """A bound of the work that rendering a block takes, found in a small part of the time."""
    if is_fence(block):
        return _STEPS_PER_BLOCK + len(block) // _CODE_CHARACTERS_PER_STEP
    lines = block.count("\n") + 1
    cells = lines * max(line.count("|") for line in block.split("\n")) if "|" in block else 0
    marks = sum(map(block.count, _MARKS))
    return _STEPS_PER_BLOCK + marks + cells + _STEPS_PER_LINE * lines + len(block) // _CHARACTERS_PER_STEP


def is_quick(blocks: Sequence[str]) -> bool:
    """Whether rendering them takes less than some milliseconds and waits for no other process."""
    has_code = any("```" in block or "~~~" in block for block in blocks)
    return not has_code and sum(map(steps, blocks)) <= _QUICK_STEPS


def render_block(block: str, code: CodeBudget | None = None) -> str:
    """One block of Markdown as safe HTML; as plain text where rendering it would take too long."""
    if not is_fence(block) and steps(block) > BLOCK_STEPS:
        return _plain(block, "Shown without formatting: this part is too long or too complex.")
    return _CLEANER.clean(_MARKDOWN.render(block, {"code": code or CodeBudget()}))


def _plain(text: str, why: str = "") -> str:
    reason = f'<p class="unformatted">{why}</p>' if why else ""
    return f'{reason}<pre class="unformatted">{escape(text, quote=False)}</pre>\n'


@dataclass
class AnswerRenderer:
    """Renders the blocks of one answer, as far as ``ANSWER_STEPS`` go; what follows is shown as plain text."""

    _left: int = ANSWER_STEPS
    _code: CodeBudget = field(default_factory=CodeBudget)

    def render(self, blocks: Iterable[str]) -> str:
        """Safe HTML."""
        return "".join(map(self._block, blocks))

    def _block(self, block: str) -> str:
        if self._left == 0:
            return _plain(block)
        self._left = max(0, self._left - min(steps(block), BLOCK_STEPS))
        if self._left == 0:
            return _plain(block, "The rest is shown without formatting: this answer is too long or too complex.")
        return render_block(block, self._code)


def render(source: str) -> str:
    """A whole answer as safe HTML, the same as its stream would have left on the page."""
    splitter = BlockSplitter()
    return AnswerRenderer().render([*splitter.feed(source), *splitter.finish()])


def render_question(text: str) -> str:
    """Safe HTML of a user's message: as it was typed, except that fenced code is shown as code.

    No other Markdown is rendered: people paste what only looks like Markdown. Lines that are aligned in columns get a
    monospaced font.
    """
    splitter = BlockSplitter()
    return "".join(_question_block(block) for block in [*splitter.feed(text), *splitter.finish()])


def _question_block(block: str) -> str:
    if _FENCE.match(block):
        return render_block(block)
    columns = sum(bool(_IN_COLUMNS.search(line)) for line in block.splitlines())
    style = "said columns" if columns > 1 else "said"
    return f'<div class="{style}">{escape(block, quote=False)}</div>'
