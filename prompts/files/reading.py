"""Files that somebody hands over: which kind each is, and the versions in it."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from prompts import storable
from prompts.files import json_text, langfuse, openai_prompts, own_format
from prompts.files.document import MOST_BYTES, MOST_FILES, FileRefused, Loaded, PromptFile, name_of
from prompts.storable import Unstorable

MOST_PROMPTS = 1_000
# All files of an archive together.
MOST_UNPACKED_BYTES = 20_000_000
# What zipfile raises for archives that are damaged, encrypted, or packed in a way of their own.
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),
)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """``path`` is relative to what was handed over."""

    path: str
    text: str


def decoded(path: str, data: bytes) -> SourceFile:
    """Raises FileRefused."""
    if len(data) > MOST_BYTES:
        raise FileRefused(f"A file may have at most {MOST_BYTES:,} bytes.", path=path)
    try:
        return SourceFile(path, data.decode().removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise FileRefused("This is not text in UTF-8.", path=path) from error


def unpacked(path: str, data: bytes) -> list[tuple[str, bytes]]:
    """The files of a zip archive, read no further than they may be long together. Raises FileRefused."""
    if not path.endswith(".zip"):
        return [(path, data)]
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_FILES:
                raise FileRefused(f"An archive may have at most {MOST_FILES} files.", path=path)
            return list(_contents(archive, members))
    except FileRefused as error:
        raise error.at(path) from error
    except _UNREADABLE as error:
        raise FileRefused("This archive cannot be read.", path=path) from error


def _contents(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> Iterator[tuple[str, bytes]]:
    left = MOST_UNPACKED_BYTES
    for member in members:
        with archive.open(member) as stream:
            content = stream.read(MOST_BYTES + 1)
        left -= len(content)
        if left < 0:
            raise FileRefused(f"An archive may have at most {MOST_UNPACKED_BYTES:,} bytes of files.")
        yield member.filename, content


def read(source: SourceFile) -> list[PromptFile]:
    """The versions that the file holds. Raises FileRefused, which names the file."""
    try:
        files = list(_versions(source))
        if len(files) > MOST_PROMPTS:
            raise FileRefused(f"A file may have at most {MOST_PROMPTS:,} prompts.")
        for file in files:
            storable.check(own_format.as_mapping(file))
    except FileRefused as error:
        raise error.at(source.path) from error
    except Unstorable as error:
        raise FileRefused(str(error), path=source.path) from error
    return [file.at(source.path) for file in files]


def _versions(source: SourceFile) -> Iterator[PromptFile]:
    suffix = PurePosixPath(source.path).suffix.lower()
    if suffix in (".md", ".markdown"):
        yield own_format.read_markdown(source.text, name=name_of(source.path))
    elif suffix == ".json":
        yield from _of_json(json_text.load(source.text), name_of(source.path))
    else:
        raise FileRefused("Only .md and .json files, and .zip archives of them, can be read.")


def _of_json(values: Any, name: str) -> Iterator[PromptFile]:
    if isinstance(values, dict):
        for key in ("prompts", "data"):
            if isinstance(values.get(key), list):
                values = values[key]
                break
    if not isinstance(values, list):
        yield _of_mapping(values, name, "")
        return
    if not values:
        raise FileRefused("There are no prompts in it.")
    for number, each in enumerate(values, start=1):
        yield _of_mapping(each, "", f"[{number}]")


def _of_mapping(values: Any, name: str, where: str) -> PromptFile:
    if not isinstance(values, dict):
        raise FileRefused("This must be a mapping.", field=where)
    if langfuse.is_langfuse(values):
        return langfuse.read(values, where)
    if _is_own(values):
        return own_format.read_mapping(Loaded(values), name=name, where=where)
    if openai_prompts.is_openai(values):
        return openai_prompts.read(values, where)
    raise FileRefused(
        "Not a prompt of AISTRALE, Langfuse or OpenAI: it has none of text, messages, prompt or instructions.",
        field=where,
    )


def _is_own(values: dict[str, Any]) -> bool:
    """In a list the format is said once for all, not with each prompt."""
    is_chat = values.get("type") == "chat" and "messages" in values
    return values.get("format") == own_format.FORMAT or isinstance(values.get("text"), str) or is_chat
