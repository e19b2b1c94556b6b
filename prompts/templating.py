"""Variables and includes in the text of prompts. Pure: text in, text out; substitution only, no template language.

A variable is written ``{{name}}``, as in Langfuse and OpenAI's prompt objects. Another prompt is included by
``@@@langfusePrompt:name=…|label=…@@@`` or ``|version=…@@@``, Langfuse's form, so that texts move both ways unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE = re.compile(rf"\{{\{{\s*({NAME})\s*\}}\}}")
_INCLUDE = re.compile(r"@@@langfusePrompt:(.*?)@@@", re.DOTALL)
_MARKED = re.compile(f"{_VARIABLE.pattern}|{_INCLUDE.pattern}", re.DOTALL)
_INCLUDE_TARGET = re.compile(
    r"name=(?P<name>[^|@\0]+)\|(?:label=(?P<label>[^|@\0]+)|version=(?P<version>[1-9]\d{0,8}))"
)


class TemplateError(ValueError):
    """A text that cannot be a prompt, with where it is wrong."""


@dataclass(frozen=True, slots=True)
class Include:
    """A prompt that another one includes. Exactly one of ``label`` and ``version`` is set."""

    name: str
    label: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.label or f'v{self.version}'})"

    @property
    def source(self) -> str:
        """As it is written in a text."""
        target = f"label={self.label}" if self.label else f"version={self.version}"
        return f"@@@langfusePrompt:name={self.name}|{target}@@@"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a text: plain, or one ``variable`` or ``include`` as it is written there."""

    text: str
    variable: str = ""
    include: Include | None = None


def parts_of(text: str) -> Iterator[Part]:
    """The whole text, in order. An include that names nothing is plain text."""
    end = 0
    for found in _MARKED.finditer(text):
        if found.start() > end:
            yield Part(text[end : found.start()])
        yield _part(found)
        end = found.end()
    if end < len(text):
        yield Part(text[end:])


def _part(found: re.Match[str]) -> Part:
    if found[1]:
        return Part(found[0], variable=found[1])
    try:
        return Part(found[0], include=_include(found[2]))
    except TemplateError:
        return Part(found[0])


def variables_in(text: str) -> list[str]:
    """The names in order of appearance, each once."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replaces the variables that have a value, in one pass: a value that looks like a variable stays as it is."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def includes_in(text: str) -> list[Include]:
    """In order of appearance, repeats too. Raises TemplateError for one that names no version of a prompt."""
    return [_include(found[1]) for found in _INCLUDE.finditer(text)]


def replace_includes(text: str, texts: Mapping[Include, str]) -> str:
    """Raises KeyError where ``texts`` lacks one of them."""
    return _INCLUDE.sub(lambda found: texts[_include(found[1])], text)


def check(text: str) -> None:
    """Raises TemplateError for braces that are opened and not closed, and for includes that name nothing."""
    opened = text.rfind("{{")
    if opened > text.rfind("}}"):
        line = text.count("\n", 0, opened) + 1
        raise TemplateError(f"Line {line}: “{{{{” is not closed by “}}}}”.")
    includes_in(text)


def _include(target: str) -> Include:
    found = _INCLUDE_TARGET.fullmatch(target.strip())
    if found is None:
        raise TemplateError(
            f"“@@@langfusePrompt:{target[:80]}@@@” must have the form name=…|label=… or name=…|version=…."
        )
    version = found["version"]
    return Include(found["name"].strip(), found["label"] and found["label"].strip(), int(version) if version else None)
