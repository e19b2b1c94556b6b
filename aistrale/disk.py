"""Is there room where the data of the installation is?"""

from __future__ import annotations

import shutil

from django.conf import settings

from aistrale.embedded import servers_home

# A file of PostgreSQL's log: without room for one, it may stop at any moment.
LEAST_FREE_BYTES = 2**24


def full_disk() -> str | None:
    """The directory whose disk is full, None if there is room."""
    for directory in {settings.DATA_DIR, servers_home(settings.DATA_DIR)}:
        try:
            if shutil.disk_usage(directory).free < LEAST_FREE_BYTES:
                return str(directory)
        except OSError:
            continue  # There is none yet, or it is not for us to see.
    return None
