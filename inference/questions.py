"""A question as the page shows it: as it was typed, except that fenced code is shown as code.

No other Markdown is made of it: people paste what only looks like Markdown.
"""

from __future__ import annotations

import re
from html import escape

from inference.blocks import BlockSplitter
from inference.markdown import render_block

_FENCE = re.compile(r" {0,3}(```|~~~)")
# Gaps, tabs, indentation or bars, by which lines stand below each other.
_IN_COLUMNS = re.compile(r"\S {2,}\S|\t|^ {4}|^\s*\|")


def render_question(text: str) -> str:
    """Safe HTML. Lines that stand in columns get letters of one width."""
    splitter = BlockSplitter()
    return "".join(_shown(block) for block in [*splitter.feed(text), *splitter.finish()])


def _shown(block: str) -> str:
    if _FENCE.match(block):
        return render_block(block)
    columns = sum(bool(_IN_COLUMNS.search(line)) for line in block.splitlines())
    style = "said columns" if columns > 1 else "said"
    return f'<div class="{style}">{escape(block, quote=False)}</div>'
