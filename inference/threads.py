"""The way from the event loop to the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """``await in_thread(f)(...)`` calls ``f`` in a thread of its own and gives its connection back to the pool.

    Not ``database_sync_to_async``: by default it has one thread for all, so that one slow statement holds up every
    run, and with threads of their own it leaves connections behind.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return sync_to_async(call, thread_sensitive=False)
