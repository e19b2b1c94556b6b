"""One version of a prompt as a file holds it, and what can be wrong with a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from prompts.drafts import Draft

MOST_BYTES = 1_000_000
MOST_FILES = 500
MARKDOWN, JSON = "md", "json"
SUFFIXES = (f".{MARKDOWN}", f".{JSON}")


class FileRefused(ValueError):
    """``line`` counts from 1, ``field`` is a path such as ``messages[2].role``; each where it is known."""

    def __init__(self, problem: str, *, path: str = "", line: int | None = None, field: str = "") -> None:
        place = [path, f"line {line}" if line else "", field]
        super().__init__(": ".join(filter(None, (", ".join(filter(None, place)), problem))))
        self.problem, self.path, self.line, self.field = problem, path, line, field

    @property
    def without_path(self) -> str:
        return str(FileRefused(self.problem, line=self.line, field=self.field))

    def at(self, path: str) -> FileRefused:
        return FileRefused(self.problem, path=path, line=self.line, field=self.field)


@dataclass(frozen=True, slots=True)
class PromptFile:
    """``description`` and ``tags`` are None where the file does not say. ``version`` is the number that it was
    exported with. ``path`` is where it comes from, ``notes`` is what was not understood.
    """

    name: str
    draft: Draft
    description: str | None = None
    tags: tuple[str, ...] | None = None
    version: int | None = None
    message: str = ""
    labels: tuple[str, ...] = ()
    path: str = field(default="", compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def type(self) -> str:
        return "text" if isinstance(self.draft.body, str) else "chat"

    def at(self, path: str) -> PromptFile:
        return replace(self, path=path)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Values read from a file. ``lines`` has the line of each key of the outermost mapping, as far as it is known."""

    values: Any
    lines: Mapping[str, int] = field(default_factory=dict)


def path_of(name: str, suffix: str = MARKDOWN) -> str:
    """Where a directory keeps a prompt. What would leave the directory, or clash with a file in it, is escaped."""
    *folders, last = name.split("/")
    parts = [*(_folder(part) for part in folders), f"{_escaped(last)}.{suffix}"]
    return "/".join(parts)


def name_of(path: str) -> str:
    """The prompt that a directory keeps there. Some file systems take letters apart from their accents."""
    return unicodedata.normalize("NFC", unquote(str(PurePosixPath(path).with_suffix(""))))


def _folder(part: str) -> str:
    stem, dot, suffix = _escaped(part).rpartition(".")
    return f"{stem}%2E{suffix}" if dot and f".{suffix}" in SUFFIXES else _escaped(part)


def _escaped(part: str) -> str:
    return f"%2E{part[1:]}" if part.startswith(".") else part
