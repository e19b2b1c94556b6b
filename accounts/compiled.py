"""Queries that are asked hundreds of times a second, compiled once for each process and planned once for a connection.

Django builds the SQL of a queryset anew each time, and PostgreSQL plans it anew, which over several tables takes longer
than all else that a request needs. What is asked is still said by querysets, rights included.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

_STAND_INS: dict[type, Callable[[], Any]] = {
    int: lambda: secrets.randbelow(2**30),
    str: lambda: secrets.token_hex(16),
    datetime: lambda: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=secrets.randbelow(2**50)),
}


def _preparing_cursor() -> CursorWrapper:
    """Django's own cursors write parameters into the statement, so that no plan could be kept."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0
    cursor: Any = psycopg.Cursor(connection.connection)
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


class CompiledQuery:
    """``build`` makes the queryset from arguments by name. It may only pass them on: it sees stand-ins for them."""

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._build = build
        self._sql = ""
        # Of each parameter of the statement the name of its argument, or '' and its value.
        self._parameters: list[tuple[str, Any]] = []

    def rows(self, **values: int | str | datetime) -> list[tuple[Any, ...]]:
        """As the driver gives them: JSON is text."""
        if not self._sql:
            self._compile(values)
        parameters = [values[name] if name else constant for name, constant in self._parameters]
        with _preparing_cursor() as cursor:
            cursor.execute(self._sql, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _compile(self, values: dict[str, int | str | datetime]) -> None:
        """By several threads at once, if they come first: all of them find the same."""
        names = {_STAND_INS[type(value)](): name for name, value in values.items()}
        sql, parameters = self._build(**{name: value for value, name in names.items()}).query.sql_with_params()
        found = [(names.get(value, ""), value) for value in parameters]
        if missing := set(names.values()) - {name for name, _ in found}:
            raise ValueError(f"The query does not pass these on: {', '.join(sorted(missing))}")
        self._parameters = found
        self._sql = sql
