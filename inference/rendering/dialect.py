"""The Markdown that models write: tables, task lists, formulas, line breaks in cells, emphasis beside CJK punctuation.

Raw HTML is shown as text. What comes out is cleaned once more by ``markdown``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from inference.rendering.mathematics import add_mathematics, mathml

_BREAK = re.compile(r"<br\s{0,4}/?>", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\]\s+")
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u303f\u3040-\u30ff\u3100-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
)
# Each of them is read in the direction of its first letter.
_WITH_DIRECTION = {
    *("paragraph_open", "heading_open", "blockquote_open", "bullet_list_open", "ordered_list_open"),
    *("td_open", "th_open"),
}
_SIDES = {"text-align:right": "num", "text-align:center": "centre"}


def make_markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable(["table", "strikethrough"])
    add_mathematics(markdown)
    markdown.inline.ruler.before("autolink", "line_break", _line_break)
    markdown.inline.ruler.at("emphasis", _emphasis)
    markdown.core.ruler.push("tasks", _tasks)
    markdown.core.ruler.push("directions", _directions)
    return markdown


def code_figure(code: str, language: str) -> str:
    """A code block, given as HTML, with its language, a wrap and a copy button."""
    return (
        f'<figure class="code"><figcaption><span class="language">{escape(language or "text")}</span>'
        '<button type="button" class="wrap-code" aria-pressed="false">Wrap</button>'
        '<button type="button" class="copy-code">Copy</button></figcaption>'
        f'<pre tabindex="0"><code class="highlight">{code}</code></pre></figure>\n'
    )


class _Renderer(RendererHTML):
    """Links leave in a new tab, pictures become links, code is highlighted, tables scroll in themselves."""

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
        return code_figure(env["code"].highlight(language, code) or escape(code), language)

    def code_block(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return code_figure(escape(tokens[index].content), "")

    def table_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return '<figure class="sheet"><section class="sheet-scroll" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return (
            '</table></section><figcaption class="sheet-copy">'
            '<button type="button" class="copy-markdown" aria-label="Copy as Markdown">Markdown</button>'
            '<button type="button" class="copy-csv" aria-label="Copy as CSV">CSV</button></figcaption></figure>\n'
        )

    def math_inline(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        return _formula(token.content, is_display=token.markup in ("$$", "\\["))

    def math_block(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return _formula(tokens[index].content, is_display=True) + "\n"

    def task(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        is_done = bool(tokens[index].content.strip())
        state = (
            'class="task done" role="img" aria-label="Done"'
            if is_done
            else 'class="task" role="img" aria-label="To do"'
        )
        return f"<span {state}></span>"


def _formula(latex: str, *, is_display: bool) -> str:
    shown = mathml(latex, is_display=is_display) or f"<code>{escape(latex)}</code>"
    return f'<span class="formula" tabindex="0">{shown}</span>' if is_display else shown


def _line_break(state: StateInline, silent: bool) -> bool:
    found = _BREAK.match(state.src, state.pos) if state.src[state.pos] == "<" else None
    if found is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = found.end()
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:
    """The rule of markdown-it, except that CJK text needs no space between emphasis and punctuation.

    As in https://github.com/tats-u/markdown-cjk-friendly, version 2 of its specification.
    """
    marker = state.src[state.pos]
    if silent or marker not in ("_", "*"):
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    can_open, can_close = scanned.can_open, scanned.can_close
    if marker == "*":
        before = state.src[state.pos - 1] if state.pos else " "
        after = state.src[state.pos + scanned.length : state.pos + scanned.length + 1] or " "
        can_open = can_open or _leans_on(after, before)
        can_close = can_close or _leans_on(before, after)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        place = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(marker), scanned.length, place, -1, can_open, can_close))
    state.pos += scanned.length
    return True


def _leans_on(inner: str, outer: str) -> bool:
    """Whether a mark stands between punctuation in it and a CJK character beside it, or the other way round."""
    is_punctuation = isMdAsciiPunct(ord(inner)) or isPunctChar(inner)
    return not isWhiteSpace(ord(inner)) and is_punctuation and bool(_CJK.match(outer) or _CJK.match(inner))


def _tasks(state: StateCore) -> None:
    for place, token in enumerate(state.tokens):
        is_first = place > 1 and state.tokens[place - 2].type == "list_item_open"
        mark = _TASK.match(token.content) if token.type == "inline" and is_first else None
        first = token.children[0] if mark and token.children else None
        if mark is None or first is None or first.type != "text":
            continue
        first.content = first.content[mark.end() :]
        task = Token("task", "span", 0)
        task.content = mark[1]
        token.children = [task, *(token.children or [])]


def _directions(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in _WITH_DIRECTION:
            token.attrs["dir"] = "auto"
        if token.type in ("th_open", "td_open"):
            side = _SIDES.get(str(token.attrs.pop("style", "")))
            token.attrs |= {"class": side} if side else {}
            token.attrs |= {"scope": "col"} if token.type == "th_open" else {}
