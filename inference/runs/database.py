"""The way from the event loop to the database, and what keeps PostgreSQL from storing anything."""

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


# By the codes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_PROBLEMS = {
    "25006": "The database is read-only.",
    "53100": "The disk of the database is full.",
    "53200": "The database server is out of memory.",
    "58030": "The database server cannot read or write its disk.",
}


def storage_problem(error: Exception) -> str:
    """Why PostgreSQL answers but cannot store anything, in one sentence; '' for errors of another kind.

    Takes errors of Django as well as those of psycopg.
    """
    code = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    return _PROBLEMS.get(code or "", "")
