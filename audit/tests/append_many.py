"""``python -m audit.tests.append_many WRITERS ENTRIES``: so many processes append so many entries each, at once."""

from __future__ import annotations

import os
import sys

import django


def main(writers: int, entries: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "aistrale.settings"
    django.setup()
    children = [pid for _ in range(writers) if (pid := _fork(entries))]
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    sys.exit(any(statuses))


def _fork(entries: int) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            _append(entries)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return pid


def _append(entries: int) -> None:
    from django.db import transaction

    from accounts.actions import AccountsAction
    from audit.services import record

    for _ in range(entries):
        with transaction.atomic():
            record(action=AccountsAction.USER_UPDATE, actor=None, details={"process": os.getpid()})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
