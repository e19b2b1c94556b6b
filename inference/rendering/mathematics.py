r"""Formulas in Markdown: ``\(..\)`` and ``$..$`` in a line, ``\[..\]`` and ``$$..$$`` by themselves, made into MathML.

What is no formula, too long or not understood stays as it was written: ``$5 and $6`` is money.
"""

from __future__ import annotations

import re
from html import escape

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from math_core import LatexError, LatexToMathML

# The converter calls itself for each brace within another, in native code that no Python can interrupt.
LONGEST, DEEPEST = 2_000, 100

_PAIRS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)"}
_DEFINES = re.compile(r"\\(?:re|provide)?newcommand|\\[gex]?def\b|\\let\b|\\href|\\url")
# An amount, followed by words.
_MONEY = re.compile(r"\d[\d.,]*[kKmMbB]?(?:\s*[-–/]\s*|\s+)[A-Za-z]{2,}|\d[\d.,]*\s*$")
_STYLE = re.compile(r' style="([^"]*)"')

_converter = LatexToMathML(fancy_error=False, ignore_unknown_commands=False)


def add_mathematics(markdown: MarkdownIt) -> None:
    """The tokens ``math_inline`` and ``math_block``, whose content is LaTeX."""
    markdown.inline.ruler.before("escape", "math", _inline)
    markdown.block.ruler.before(
        "fence", "math_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def mathml(latex: str, *, is_display: bool) -> str:
    """MathML with its source as ``alttext``, or '' for what cannot be converted."""
    if len(latex) > LONGEST or _DEFINES.search(latex) or _depth(latex) > DEEPEST:
        return ""
    try:
        html = _converter.convert_with_local_state(latex, displaystyle=is_display)
    except LatexError:
        return ""
    return f'<math alttext="{escape(latex)}"{_STYLE.sub(_as_class, html.removeprefix("<math"))}'


def _as_class(style: re.Match[str]) -> str:
    """Styles in a page are forbidden; of those of the converter, only the side of a column matters."""
    return ' class="num"' if "text-align: right" in style[1] else ' class="start"' if "left" in style[1] else ""


def _depth(latex: str) -> int:
    deepest = depth = 0
    for character in re.findall(r"[{}]|\\left\b|\\right\b|\\begin\b|\\end\b|\\sqrt\b|[_^]", latex):
        depth += {"{": 1, "\\left": 1, "\\begin": 1, "}": -1, "\\right": -1, "\\end": -1}.get(character, 0)
        deepest = max(deepest, depth)
    return deepest


def _inline(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    opening = source[start : start + 2]
    if opening in _PAIRS:
        end = source.find(_PAIRS[opening], start + 2, min(state.posMax, start + LONGEST))
        found = (source[start + 2 : end], end + 2) if end > start + 2 else None
    else:
        found = _after_dollar(source, start, state.posMax) if opening.startswith("$") else None
    if found is None or not found[0].strip():
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content, token.markup = found[0].strip(), opening if opening in _PAIRS else "$"
    state.pos = found[1]
    return True


def _after_dollar(source: str, start: int, limit: int) -> tuple[str, int] | None:
    """The LaTeX after one dollar sign and the place behind it, where these are surely no amounts of money."""
    if source[start + 1 : start + 2].isspace() or (start and source[start - 1].isalnum()):
        return None
    end = source.find("$", start + 1, min(limit, start + LONGEST))
    while end > 0 and source[end - 1] == "\\":
        end = source.find("$", end + 1, min(limit, start + LONGEST))
    latex = source[start + 1 : end] if end > 0 else ""
    if not latex or latex[-1].isspace() or source[end + 1 : end + 2].isalnum() or _MONEY.match(latex):
        return None
    return (latex, end + 1) if mathml(latex, is_display=False) else None


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """From a line that begins with ``$$`` or ``\\[`` to the line that ends with its other half."""
    closing = _PAIRS.get(_line(state, start_line)[:2])
    if closing not in ("$$", "\\]") or state.is_code_block(start_line):
        return False
    lines: list[str] = []
    for number in range(start_line, end_line):
        line = _line(state, number)
        lines.append(line[2:] if number == start_line else line)
        if lines[-1].rstrip().endswith(closing):
            return silent or _push_block(state, start_line, number, "\n".join(lines).rstrip()[:-2])
        if closing in lines[-1] or not line.strip():
            return False
    return False


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _push_block(state: StateBlock, first: int, last: int, latex: str) -> bool:
    token = state.push("math_block", "math", 0)
    token.content, token.map = latex.strip(), [first, last + 1]
    state.line = last + 1
    return True
