"""Runs several commands of manage.py in one process: starting one costs more than what most of them do.

Standard input has a JSON list of pairs, the arguments of a command and what is typed into it.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aistrale.settings")
    for arguments, typed in json.load(sys.stdin):
        sys.stdin = io.StringIO(typed)
        # That is how a command fails, once it has said why.
        with suppress(SystemExit):
            execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main()
