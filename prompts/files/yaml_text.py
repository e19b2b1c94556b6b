"""YAML that is read without surprises and written so that it reads back exactly.

Plain scalars are JSON's: ``true``, ``false``, ``null`` and numbers; all else is text, also ``no``, ``1:30`` and
``2026-11-01``. Anchors, aliases, tags and repeated keys are refused: aliases can stand for billions of values.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from prompts.files.document import FileRefused, Loaded
from prompts.storable import MOST_LEVELS

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<fraction>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)")
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
# Text that a literal block keeps exactly: no white space at the ends of lines or at the beginning, nothing unprintable.
_LITERAL = re.compile(r"(?=.*\n)[!-~\u00a1-\u1fff](?:[ -~\u00a1-\u1fff\n\t]*)", re.DOTALL)
# Only double quotes keep these.
_ESCAPED = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\xa0\\u2028\\u2029\\ufeff]")
_TRAILING_SPACE = re.compile(r"[ \t](?:\n|\Z)")


# libyaml is fifty times as fast; a build of PyYAML from source may be without it.
_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    """Without aliases, which the reader refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None
    if _NUMBER.fullmatch(value) or _ESCAPED.search(value):
        style = '"'
    elif _LITERAL.fullmatch(value) and not _TRAILING_SPACE.search(value):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(values: dict[str, Any]) -> str:
    return yaml.dump(values, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10**9)


def load(text: str, *, first_line: int = 1) -> Loaded:
    """One mapping. ``first_line`` is the line of the file on which ``text`` begins. Raises FileRefused."""
    try:
        _check_events(text, first_line)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FileRefused(_said(error), line=mark.line + first_line if mark else None) from error
    except yaml.YAMLError as error:
        raise FileRefused(f"This is not YAML: {error}") from error
    if node is None:
        return Loaded({})
    if not isinstance(node, yaml.MappingNode):
        raise FileRefused("Write fields as “name: value”.", line=first_line)
    reader = _Reader(first_line)
    values = reader.mapping(node)
    return Loaded(values, {key.value: key.start_mark.line + first_line for key, _ in node.value})


def _said(error: yaml.MarkedYAMLError) -> str:
    return f"This is not YAML: {error.problem or error.context}."


def _line(mark: Any, first_line: int) -> int:
    return int(mark.line) + first_line


def _check_events(text: str, first_line: int) -> None:
    """Refuses what is dangerous before anything is built of it."""
    levels = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line(event.start_mark, first_line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise FileRefused("Anchors and aliases (& and *) are not allowed. Quote such text.", line=line)
        if getattr(event, "tag", None):
            raise FileRefused("Tags (!) are not allowed. Quote such text.", line=line)
        levels += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if levels > MOST_LEVELS:
            raise FileRefused(f"This is nested more than {MOST_LEVELS} levels deep.", line=line)


class _Reader:
    def __init__(self, first_line: int) -> None:
        self._first_line = first_line

    def value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each) for each in node.value]
        return self._scalar(node)

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + self._first_line
            if not isinstance(key, yaml.ScalarNode):
                raise FileRefused("A key must be text.", line=line)
            if key.value in values:
                raise FileRefused("This key stands here twice.", line=line, field=key.value)
            values[key.value] = self.value(value)
        return values

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        if getattr(node, "style", None):
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        found = _NUMBER.fullmatch(text)
        if not found:
            return text
        try:
            return float(text) if found["fraction"] else int(text)
        except ValueError as error:
            raise FileRefused("A number is too large.", line=node.start_mark.line + self._first_line) from error
