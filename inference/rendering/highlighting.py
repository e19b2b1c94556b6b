"""Code with its colours, made by a worker process: see ``highlight_worker``."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO, cast

# For one answer. So much code takes half of the time on a slow machine; what goes beyond either stays without colours.
HIGHLIGHTED_CHARACTERS = 100_000
CPU_SECONDS = 2.0

_WORKER = Path(__file__).with_name("highlight_worker.py")


class WorkerDied(Exception):
    """The code took the worker too long."""


class Highlighter:
    """One worker for all of this process, started when there is code for it. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: subprocess.Popen[str] | None = None

    def highlight(self, language: str, code: str, *, seconds: float) -> tuple[str | None, float]:
        """HTML, or None where the language is not known, and how many seconds of CPU it took.

        Raises WorkerDied where it would take more than ``seconds``.
        """
        with self._lock:
            try:
                answer = self._ask(json.dumps([language, code, seconds]))
            except OSError:
                answer = ""
            if not answer:
                self._end()
                raise WorkerDied
        html, taken = json.loads(answer)
        return html, taken

    def _ask(self, question: str) -> str:
        if self._worker is None:
            self._worker = self._start()
        pipe = cast("IO[str]", self._worker.stdin)
        pipe.write(question + "\n")
        pipe.flush()
        return cast("IO[str]", self._worker.stdout).readline()

    def _start(self) -> subprocess.Popen[str]:
        atexit.unregister(self._end)
        atexit.register(self._end)
        # It needs nothing of ours, least of all the secrets in the environment, and ends with its input.
        return subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={},
            cwd="/",
            start_new_session=True,
        )

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            worker.communicate()


_highlighter = Highlighter()


@dataclass
class CodeBudget:
    """Colours the code of one answer, as far as ``HIGHLIGHTED_CHARACTERS`` and ``CPU_SECONDS`` go."""

    _characters: int = HIGHLIGHTED_CHARACTERS
    _seconds: float = CPU_SECONDS

    def highlight(self, language: str, code: str) -> str | None:
        """HTML, or None for what is to be shown without colours."""
        if not language or len(code) > self._characters or self._seconds <= 0:
            return None
        self._characters -= len(code)
        try:
            html, taken = _highlighter.highlight(language, code, seconds=self._seconds)
        except WorkerDied:
            self._seconds = 0
            return None
        self._seconds -= taken
        return html
