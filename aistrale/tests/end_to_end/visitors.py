"""Somebody who uses a site all the time while it is restarted or upgraded."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from threading import Event, Thread

import httpx2

TIMEOUT_SECONDS = 80


class Visitor(Thread):
    """Reads and changes something again and again, and notes how it was answered.

    ``answers`` counts status codes, or the names of errors. ``longest`` is in seconds.
    """

    def __init__(self, url: str, cookies: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self._url, self._cookies, self._stop_asked = url, cookies, Event()
        self.answers: Counter[str] = Counter()
        self.longest = 0.0

    def run(self) -> None:
        with httpx2.Client(base_url=self._url, cookies=self._cookies, timeout=TIMEOUT_SECONDS) as client:
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/").text)
            assert found is not None
            headers = {"Origin": self._url, "X-CSRFToken": found[1]}
            while not self._stop_asked.is_set():
                self._note(lambda: client.get("/chat/"))
                self._note(lambda: client.post("/account/theme/", data={"theme": "dark"}, headers=headers))

    def _note(self, request: Callable[[], httpx2.Response]) -> None:
        began = time.monotonic()
        try:
            self.answers[str(request().status_code)] += 1
        except httpx2.TransportError as error:
            self.answers[type(error).__name__] += 1
        self.longest = max(self.longest, time.monotonic() - began)

    def stop(self) -> Counter[str]:
        self._stop_asked.set()
        self.join(TIMEOUT_SECONDS)
        return self.answers
