"""ES modules put together into one file, so that a page asks for one script instead of fifty.

For scripts written as ours are: imports of names at the beginning of lines, exports of functions and constants, no
cycles and no code but these that depends on being a module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from posixpath import dirname, join, normpath

_IMPORT = re.compile(r"""^import(?:\s*\{([^}]*)\}\s*from)?\s*"(\.[^"]+)";\n?""", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*\*(?:[^*]|\*(?!/))*\*/)\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const) (\w+)", re.MULTILINE)


def bundled(entry: str, read: Callable[[str], str]) -> str:
    """The module ``entry`` with all that it imports. ``read`` gives the source of a path."""
    return "\n".join(_as_function(path, read(path)) for path in _in_order(entry, read, set()))


def _in_order(path: str, read: Callable[[str], str], seen: set[str]) -> Iterator[str]:
    """Each module after those it imports, as a browser runs them."""
    if path in seen:
        return
    seen.add(path)
    for _, imported in _IMPORT.findall(read(path)):
        yield from _in_order(_resolved(path, imported), read, seen)
    yield path


def _as_function(path: str, source: str) -> str:
    source = _COMMENT.sub("", source)
    exported = ", ".join(name for _, name in _EXPORT.findall(source))
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(lambda found: _taken(path, found), source))
    return f"const {_name(path)} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _taken(path: str, found: re.Match[str]) -> str:
    names = (found[1] or "").replace(" as ", ": ").strip()
    return f"const {{ {names} }} = {_name(_resolved(path, found[2]))};\n" if names else ""


def _resolved(path: str, imported: str) -> str:
    return normpath(join(dirname(path), imported))


def _name(path: str) -> str:
    return "module_" + re.sub(r"\W", "_", path)
