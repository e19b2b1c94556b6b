"""Can PostgreSQL and Redis be used? Answers in one line without a password, before anything relies on them."""

from __future__ import annotations

from typing import Any

import psycopg
import redis
from django.conf import settings

from aistrale.database.connection import WatchfulConnection
from aistrale.logs import redact_text

OLDEST_POSTGRES = 16
OLDEST_REDIS = 7
CONNECT_SECONDS = 4


class OutOfReach(Exception):
    """What is wrong and what to do, in one line."""


def postgres_version() -> str:
    """Such as '18.4'. Raises OutOfReach, also when the server is too old or lacks pgvector."""
    with _connect() as connection:
        number = connection.info.server_version
        version = f"{number // 10000}.{number % 10000}"
        if number < OLDEST_POSTGRES * 10000:
            raise OutOfReach(f"PostgreSQL is {version}: DATABASE_URL must name version {OLDEST_POSTGRES} or newer.")
    return version


def pgvector_version() -> str:
    """Raises OutOfReach when the extension is not at hand."""
    with _connect() as connection:
        row = connection.execute(
            "SELECT installed_version, default_version FROM pg_available_extensions WHERE name = 'vector'"
        ).fetchone()
    if row is None:
        raise OutOfReach("PostgreSQL lacks the extension pgvector: install it on the database server.")
    return str(row[0] or row[1])


def redis_version() -> str:
    """Raises OutOfReach, also when the server is too old."""
    if not settings.REDIS_URL:
        raise OutOfReach("Redis was never set up here: run `make run`, or set REDIS_URL.")
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS
        ) as client:
            info: dict[str, Any] = client.info("server")
    except (redis.RedisError, ValueError) as error:
        raise OutOfReach(
            f"Redis is out of reach ({_line(error)}): start it, or set REDIS_URL to one that runs."
        ) from error
    if int(str(info["redis_version"]).partition(".")[0]) < OLDEST_REDIS:
        raise OutOfReach(f"Redis is {info['redis_version']}: REDIS_URL must name version {OLDEST_REDIS} or newer.")
    return f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"


def _connect() -> psycopg.Connection[tuple[Any, ...]]:
    if not settings.DATABASE_URL:
        raise OutOfReach("PostgreSQL was never set up here: run `make run`, or set DATABASE_URL.")
    database = settings.DATABASES["default"]
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    try:
        return WatchfulConnection.connect(
            host=database["HOST"] or None,
            port=database["PORT"] or None,
            user=database["USER"] or None,
            password=database["PASSWORD"] or None,
            dbname=database["NAME"],
            **options,
        )
    except psycopg.Error as error:
        raise OutOfReach(
            f"PostgreSQL is out of reach ({_line(error)}): start it, or set DATABASE_URL to one that runs."
        ) from error


def _line(error: Exception) -> str:
    return redact_text(" ".join(str(error).split())) or type(error).__name__
