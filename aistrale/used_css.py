"""Of a stylesheet that others have written, the rules that our pages can use.

A selector is kept when each class in it is written as a class in our own sources, and each ``data-`` attribute
somewhere in them. So classes are written out, never put together from parts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAMES = re.compile(r"\.((?:\\.|[\w-])+)|\[(data-[\w-]+)")
_GROUP = re.compile(r":(is|where|has|not)\(")
_REGISTERED = re.compile(r"@property (--[\w-]+)\{[^}]*\}")
_TAG = re.compile(r"\{[{%].*?[%}]\}")
# class="...", "class": "...", className = "...", classList.add("...")
_CLASSES = re.compile(r"""class(?:Name|List\.\w+)?["']?\s*[=:(]\s*["']([^"']*)""")
_DATA = re.compile(r"data-[\w-]+")


def names_in(source: str) -> set[str]:
    """The classes and ``data-`` attributes that a template or a program writes."""
    source = _TAG.sub(lambda tag: tag[0].replace('"', " "), source)
    classes = (name for text in _CLASSES.findall(source) for name in re.findall(r"[\w-]+", text))
    return {*classes, *_DATA.findall(source)}


def used_css(css: str, names: Collection[str]) -> str:
    """``css`` without the rules for classes and attributes that are none of ``names``."""
    kept = "".join(_rules(_COMMENT.sub("", css), names))
    # Registered for an animation or a default: of no use where nothing reads them.
    return _REGISTERED.sub(lambda found: found[0] if kept.count(f"var({found[1]}") else "", kept)


def _rules(css: str, names: Collection[str]) -> Iterator[str]:
    for prelude, body in _statements(css):
        if body is None or prelude.startswith(("@font-face", "@keyframes", "@property", "@page")):
            yield prelude + (";" if body is None else f"{{{body}}}")
        elif prelude.startswith("@"):
            inner = "".join(_rules(body, names))
            yield f"{prelude}{{{inner}}}" if inner else ""
        else:
            selectors = ",".join(one for one in _split(prelude) if _is_used(one, names))
            yield f"{selectors}{{{body}}}" if selectors else ""


def _statements(css: str) -> Iterator[tuple[str, str | None]]:
    """What stands before each block, with the block; None for one that ends at its semicolon."""
    start = position = 0
    while position < len(css):
        if css[position] == ";":
            yield css[start:position].strip(), None
            start = position + 1
        elif css[position] == "{":
            end = _closing(css, position, "{}")
            yield css[start:position].strip(), css[position + 1 : end]
            start = position = end + 1
            continue
        position += 1


def _closing(text: str, start: int, pair: str) -> int:
    """The place of the bracket that closes the one at ``start``."""
    depth = 0
    for found in re.finditer(rf"[{re.escape(pair)}]", text[start:]):
        depth += 1 if found[0] == pair[0] else -1
        if not depth:
            return start + found.start()
    raise ValueError(f"A bracket is not closed: {text[start : start + 40]}")


def _split(selectors: str) -> Iterator[str]:
    """At the commas that stand in no bracket."""
    depth = start = 0
    for position, character in enumerate(selectors):
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            yield selectors[start:position].strip()
            start = position + 1
    yield selectors[start:].strip()


def _is_used(selector: str, names: Collection[str]) -> bool:
    """Of a group such as ``:is(.a, .b)``, one selector is enough."""
    while group := _GROUP.search(selector):
        end = _closing(selector, group.end() - 1, "()")
        options = _split(selector[group.end() : end])
        if group[1] != "not" and not any(_is_used(option, names) for option in options):
            return False
        selector = selector[: group.start()] + selector[end + 1 :]
    wanted = (name.replace("\\", "") for found in _NAMES.findall(selector) for name in found if name)
    return all(name in names for name in wanted)
