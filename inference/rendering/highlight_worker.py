"""Colours code, in a process of its own that the kernel ends where that takes too long.

Some patterns of Pygments take a time that grows with the square of the code. While one of them runs, nothing else in
its process does, and no Python can interrupt it. Each line of the input is a JSON list of a language, code and the
seconds of CPU that it may take. Each line of the output is one of HTML and the seconds that it took; in place of HTML,
null stands for a language that is not known and for a lexer that fails.
"""

from __future__ import annotations

import json
import signal
import sys
import time

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

_FORMATTER = HtmlFormatter(nowrap=True)


def highlighted(language: str, code: str) -> str | None:
    try:
        return highlight(code, get_lexer_by_name(language, stripnl=False, ensurenl=False), _FORMATTER)
    except Exception:
        # What a lexer makes of hostile code is its own affair: the code is shown without colours.
        return None


def main() -> None:
    for line in sys.stdin:
        language, code, seconds = json.loads(line)
        started = time.process_time()
        # What this signal does unless it is caught, and nobody catches it here, is to end the process.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        html = highlighted(language, code)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps([html, time.process_time() - started]), flush=True)


if __name__ == "__main__":
    main()
