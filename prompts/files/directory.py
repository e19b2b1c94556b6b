"""Prompts in a directory: one file for each, in folders as their names have them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prompts.files import own_format
from prompts.files.document import MOST_BYTES, MOST_FILES, SUFFIXES, FileRefused, PromptFile, path_of
from prompts.files.reading import SourceFile, decoded


def read_directory(directory: Path) -> tuple[list[SourceFile], list[FileRefused], list[str]]:
    """Files of prompts, what cannot be read, and Markdown that is no prompt. Hidden files are passed over."""
    sources, refused, skipped = [], [], []
    for count, path in enumerate(_paths(directory), start=1):
        if count > MOST_FILES:
            refused.append(FileRefused(f"A directory may have at most {MOST_FILES} files.", path=str(directory)))
            break
        name = path.relative_to(directory).as_posix()
        try:
            source = _read(path, name)
        except FileRefused as error:
            refused.append(error)
            continue
        if name.endswith(".md") and not own_format.has_front_matter(source.text):
            skipped.append(name)
        else:
            sources.append(source)
    return sources, refused, skipped


def _paths(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(folder, name) for name in sorted(names) if name.endswith(SUFFIXES) and not name.startswith(".")
        )


def _read(path: Path, name: str) -> SourceFile:
    if path.is_symlink() or not path.is_file():
        raise FileRefused("Only plain files are read, no links.", path=name)
    try:
        with path.open("rb") as stream:
            return decoded(name, stream.read(MOST_BYTES + 1))
    except OSError as error:
        raise FileRefused(f"This file cannot be read: {error.strerror}.", path=name) from error


def write_directory(directory: Path, files: list[PromptFile], *, suffix: str) -> list[str]:
    """Returns the paths of files that have changed. Raises OSError and FileRefused."""
    directory.mkdir(parents=True, exist_ok=True)
    root, write = directory.resolve(), own_format.as_json if suffix == "json" else own_format.as_markdown
    changed = []
    for file in files:
        name = path_of(file.name, suffix)
        path = root / name
        if not path.resolve().is_relative_to(root):
            raise FileRefused("A link leads out of the directory.", path=name)
        data = write(file).encode()
        if path.is_file() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        changed.append(name)
    return changed
