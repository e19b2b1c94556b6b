"""Long texts in pieces that mean something of their own and overlap, so that no short phrase is cut. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

# Characters. A phrase of up to OVERLAP characters is whole in one of the pieces.
SIZE, OVERLAP, MOST_CHUNKS = 1200, 200, 200
_BREAKS = ("\n\n", "\n", ". ", "。", "! ", "? ", " ")


def chunks_of(text: str) -> Iterator[str]:
    """At most ``MOST_CHUNKS``; what comes behind them is not found."""
    text = text.replace("\0", "").strip()
    start = 0
    for _ in range(MOST_CHUNKS):
        end = _end(text, start)
        if piece := text[start:end].strip():
            yield piece
        if end >= len(text):
            return
        start = end - OVERLAP


def _end(text: str, start: int) -> int:
    """Where a paragraph, a sentence or a word ends, in the second half of the piece; else where it is full."""
    full = start + SIZE
    if full >= len(text):
        return len(text)
    for mark in _BREAKS:
        at = text.rfind(mark, start + SIZE // 2, full)
        if at != -1:
            return at + len(mark)
    return full


def digest_of(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
