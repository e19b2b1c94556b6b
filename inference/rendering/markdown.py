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
from typing import Any

import nh3

from inference.rendering.blocks import BlockSplitter, is_fence
from inference.rendering.dialect import make_markdown
from inference.rendering.highlighting import CodeBudget
from inference.rendering.unfinished import closed

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

References = dict[str, Any]
_DEFINITION = re.compile(r"\s*\[[^\]\n]+\]:")
_FENCE = re.compile(r" {0,3}(```|~~~)")
# Gaps, tabs, indentation or bars, by which lines stand below each other.
_IN_COLUMNS = re.compile(r"\S {2,}\S|\t|^ {4}|^\s*\|")


# The elements that formulas are made of, each with its attributes.
_MATHML = {
    **dict.fromkeys(
        ("mrow", "mn", "mtext", "msub", "msup", "msubsup", "msqrt", "mroot", "mtr", "mphantom"), set[str]()
    ),
    **dict.fromkeys(("mmultiscripts", "mprescripts"), set[str]()),
    **dict.fromkeys(("munder", "mover", "munderover"), {"accent", "accentunder"}),
    **dict.fromkeys(("mstyle", "mtable"), {"displaystyle", "scriptlevel"}),
    "math": {"display", "alttext"},
    "mi": {"mathvariant"},
    "mo": {
        "stretchy",
        "symmetric",
        "lspace",
        "rspace",
        "form",
        "fence",
        "separator",
        "largeop",
        "movablelimits",
        "minsize",
        "maxsize",
    },
    "mspace": {"width", "height", "depth"},
    "mpadded": {"width", "height", "depth", "lspace", "voffset"},
    "mfrac": {"linethickness"},
    "mtd": {"class", "columnspan"},
}
_MARKDOWN = make_markdown()

_CLEANER = nh3.Cleaner(
    tags={
        *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "em", "strong", "s"),
        *("a", "code", "pre", "span", "figure", "figcaption", "section", "button"),
        *("table", "thead", "tbody", "tr", "th", "td"),
        *_MATHML,
    },
    attributes={
        **dict.fromkeys(("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul"), {"dir"}),
        "a": {"href", "target", "rel"},
        "ol": {"start", "dir"},
        "span": {"class", "role", "aria-label", "tabindex"},
        **dict.fromkeys(("code", "figure", "figcaption"), {"class"}),
        "pre": {"tabindex"},
        "section": {"class", "tabindex"},
        "button": {"type", "class", "aria-pressed", "aria-label"},
        "th": {"class", "dir", "scope"},
        "td": {"class", "dir"},
        **_MATHML,
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


def render_block(block: str, code: CodeBudget | None = None, links: References | None = None) -> str:
    """One block of Markdown as safe HTML; as plain text where rendering it would take too long."""
    if not is_fence(block) and steps(block) > BLOCK_STEPS:
        return _plain(block, "Shown without formatting: this part is too long or too complex.")
    env = {"code": code or CodeBudget(), "references": {} if links is None else links}
    return _CLEANER.clean(_MARKDOWN.render(block, env))


def _plain(text: str, why: str = "") -> str:
    reason = f'<p class="unformatted">{why}</p>' if why else ""
    return f'{reason}<pre class="unformatted">{escape(text, quote=False)}</pre>\n'


@dataclass
class AnswerRenderer:
    """Renders the blocks of one answer, as far as ``ANSWER_STEPS`` go; what follows is shown as plain text."""

    _left: int = ANSWER_STEPS
    _code: CodeBudget = field(default_factory=CodeBudget)
    # What links by name lead to, as far as it is known.
    links: References = field(default_factory=dict)

    def render(self, blocks: Iterable[str]) -> str:
        """Safe HTML."""
        return "".join(map(self._block, blocks))

    def _block(self, block: str) -> str:
        if self._left == 0:
            return _plain(block)
        self._left = max(0, self._left - min(steps(block), BLOCK_STEPS))
        if self._left == 0:
            return _plain(block, "The rest is shown without formatting: this answer is too long or too complex.")
        return render_block(block, self._code, self.links)


def render(source: str) -> str:
    """A whole answer as safe HTML, the same as its stream would have left on the page."""
    splitter = BlockSplitter()
    return render_whole([*splitter.feed(source), *splitter.finish()])


def render_whole(blocks: Sequence[str]) -> str:
    """Links by name work also where the name is only defined further down."""
    renderer = AnswerRenderer()
    for block in blocks:
        if _DEFINITION.match(block) and steps(block) <= BLOCK_STEPS:
            _MARKDOWN.parse(block, {"references": renderer.links})
    return renderer.render(blocks)


def render_open(text: str, end: str) -> str:
    """A block that is still coming, in which the mark ``end`` stands where it goes on."""
    return _CLEANER.clean(_MARKDOWN.render(closed(text, end), {"code": CodeBudget(_characters=0), "references": {}}))


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
