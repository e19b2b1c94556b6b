"""Work in processes of their own, which can be killed at any statement.

A fork server that has loaded Django already makes each of them start in milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aistrale.settings")
django.setup()


def rotate(database: str, die_at: int, batch_size: int = 1) -> None:
    """Dies by SIGKILL in place of statement number ``die_at``, counted from 1; 0 lives."""
    from tokens import rotation
    from tokens.models import Trigger

    with dying(database, die_at):
        rotation.run(trigger=Trigger.COMMAND, actor=None, batch_size=batch_size)


@contextmanager
def dying(database: str, die_at: int) -> Iterator[None]:
    from django.db import connection

    connection.settings_dict["NAME"] = database
    statements = 0

    def count(execute: Callable[..., Any], *call: Any) -> Any:
        nonlocal statements
        statements += 1
        if statements == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*call)

    with connection.execute_wrapper(count):
        yield


def start(*args: Any, target: Callable[..., None] = rotate) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=target, args=args)
    process.start()
    return process
