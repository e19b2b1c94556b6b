"""What may become an attachment: judged by its content, never by its name or by what a browser calls it. Pure.

Images and PDFs are made anew by ``check_worker``, so that nothing is kept but pixels and pages. Text stays as it is.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

UPLOAD_BYTES = 20 * 1024 * 1024
PDF_BYTES = 10 * 1024 * 1024
TEXT_BYTES = 500_000
MOST_FILES = 10
NAME_LENGTH = 100
ACCEPTED = "Accepted are PNG, JPEG, WebP and GIF images, PDFs and text files in UTF-8."
# Of the wall; the worker bounds its own CPU time.
_SECONDS = 40.0
_TURN_SECONDS = 30.0
_NOTHING = '{"refused": "The file takes too much time or memory to read."}'
_CHECKED_AT_ONCE = 2
_PIXELS_PER_TOKEN = 750
_TOKENS_PER_PAGE = 1500
_BYTES_PER_TOKEN = 4

_WORKER = Path(__file__).with_name("check_worker.py")
_turns = BoundedSemaphore(_CHECKED_AT_ONCE)

_EXTENSIONS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
}
_NO_TEXT = (".gif", *(ending for endings in _EXTENSIONS.values() for ending in endings))
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SVG = re.compile(r"\s*(<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<(\w+:)?svg\b", re.IGNORECASE | re.DOTALL)


class FileRefused(Exception):
    """A file that is not taken. The message says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What is stored of an upload. ``tokens``: about what a model counts for it. Sizes of images in pixels."""

    name: str
    media_type: str
    content: bytes
    tokens: int
    thumbnail: bytes = b""
    width: int | None = None
    height: int | None = None
    pages: int | None = None

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()


def check(content: bytes, name: str) -> CheckedFile:
    """May take seconds, and holds nobody but its caller. Raises FileRefused."""
    if not content:
        raise FileRefused("The file is empty.")
    if len(content) > UPLOAD_BYTES:
        raise FileRefused(too_large(UPLOAD_BYTES))
    if _is_image(content):
        return _remade("image", content, name)
    if content.startswith(b"%PDF-"):
        if len(content) > PDF_BYTES:
            raise FileRefused(too_large(PDF_BYTES, "A PDF"))
        return _remade("pdf", content, name)
    return _text(content, name)


def too_large(most: int, what: str = "A file") -> str:
    return f"The file is too large. {what} may have {most // 1024 // 1024} MB."


def _is_image(content: bytes) -> bool:
    starts = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
    return content.startswith(starts) or (content[:4], content[8:12]) == (b"RIFF", b"WEBP")


def _text(content: bytes, name: str) -> CheckedFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused(f"The type of this file is not supported. {ACCEPTED}") from None
    if _CONTROLS.search(text):
        raise FileRefused(f"The type of this file is not supported. {ACCEPTED}")
    if _SVG.match(text):
        raise FileRefused("SVG drawings are not accepted. Export it as PNG, or paste its source into the message.")
    if len(content) > TEXT_BYTES:
        raise FileRefused(f"The text is too long. A text file may have {TEXT_BYTES // 1000} kB.")
    stored = text.encode()
    if not text.strip():
        raise FileRefused("The file is empty.")
    if name.lower().endswith(_NO_TEXT):
        raise FileRefused("This file is text, not what its name says. Rename it to attach it as text.")
    return CheckedFile(safe_name(name, "text/plain"), "text/plain", stored, math.ceil(len(stored) / _BYTES_PER_TOKEN))


def _remade(kind: str, content: bytes, name: str) -> CheckedFile:
    if not _turns.acquire(timeout=_TURN_SECONDS):
        raise FileRefused("Many files are being checked at the moment. Try again soon.")
    try:
        answer = _ask_worker(kind, content)
    finally:
        _turns.release()
    header, _, rest = answer.partition(b"\n")
    facts: dict[str, Any] = json.loads(header or _NOTHING)
    if "refused" in facts:
        raise FileRefused(facts["refused"])
    size, _ = facts.pop("sizes")
    media_type = facts["media_type"]
    if kind == "pdf":
        if size > PDF_BYTES:
            raise FileRefused(too_large(PDF_BYTES, "A PDF"))
        tokens = facts["pages"] * _TOKENS_PER_PAGE
    else:
        tokens = math.ceil(facts["width"] * facts["height"] / _PIXELS_PER_TOKEN)
    return CheckedFile(safe_name(name, media_type), content=rest[:size], thumbnail=rest[size:], tokens=tokens, **facts)


def _ask_worker(kind: str, content: bytes) -> bytes:
    """Nothing where it had to be ended. It inherits neither our environment nor our files."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_WORKER), kind],
            input=content,
            capture_output=True,
            timeout=_SECONDS,
            env={},
            cwd="/",
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return b""
    return done.stdout if done.returncode == 0 else b""


def safe_name(name: str, media_type: str) -> str:
    """The last part of a path, without anything that is not seen, and with the ending of what it really is."""
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in last)
    stem, dot, ending = " ".join(seen.split()).strip(". ").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    endings = _EXTENSIONS.get(media_type, ())
    fits = f".{ending.lower()}" in endings if endings else re.fullmatch(r"\w{1,10}", ending)
    suffix = f".{ending}" if fits else (endings or (".txt",))[0]
    return f"{stem[: NAME_LENGTH - len(suffix)].strip() or 'file'}{suffix}"
