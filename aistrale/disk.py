"""Is there room where the data of the installation is?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from aistrale.embedded import ServerError, servers_home

# A file of PostgreSQL's log: without room for one, it may stop at any moment.
LEAST_FREE_BYTES = 2**24


def full_disk() -> Path | None:
    """The directory whose disk is full, None if there is room as far as can be seen."""
    for directory in _directories():
        with suppress(OSError):
            if shutil.disk_usage(directory).free < LEAST_FREE_BYTES:
                return directory
    return None


def _directories() -> Iterator[Path]:
    yield settings.DATA_DIR
    with suppress(ServerError):
        yield servers_home(settings.DATA_DIR)
