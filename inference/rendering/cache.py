"""HTML of messages, kept in memory: most openings of a conversation show what was shown before.

It goes by what a text is, so nothing ever has to be thrown away because it changed. It ends with the process, so
neither another version of a renderer nor an erased conversation leaves anything behind.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

Render = Callable[[str], str]

MOST_BYTES = 32 * 1024 * 1024


class RenderCache:
    """Forgets first what was not asked for longest."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[Render, bytes], bytes] = OrderedDict()
        self._lock = Lock()

    def html(self, render: Render, text: str) -> str:
        """``render(text)``."""
        key = (render, hashlib.sha256(text.encode()).digest())
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key].decode()
        html = render(text)
        self._keep(key, html.encode())
        return html

    def _keep(self, key: tuple[Render, bytes], html: bytes) -> None:
        with self._lock:
            self._bytes += len(html) - len(self._kept.pop(key, b""))
            self._kept[key] = html
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])


kept = RenderCache()
