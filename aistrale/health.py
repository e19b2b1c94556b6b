"""Liveness and readiness of the process. Needs no session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import Error, connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from accounts.admission import OUTAGES
from aistrale.bootstrap import pending_migrations
from aistrale.disk import full_disk
from aistrale.process import runs
from inference.runs.database import storage_problem

READY_SECONDS = 2.0
TEXT = "text/plain; charset=utf-8"
# What is too much for so little memory goes to the disk of the database, and leaves nothing there.
_WRITE = "SET LOCAL work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 10000)"

_was_migrated = False


@require_safe
@never_cache
@login_not_required
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", TEXT)


@require_safe
@never_cache
@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """503 and why while shutting down, and while a server cannot write or does not answer in ``READY_SECONDS``."""
    reasons = " ".join(_reasons())
    return HttpResponse(reasons, TEXT, 503) if reasons else HttpResponse("ok", TEXT)


def _reasons() -> Iterator[str]:
    if runs.is_draining:
        yield "The server is shutting down."
        return
    if full_disk():
        yield "The disk of the data directory is full."
    answers = {name: asking.submit(ask) for name, (asking, ask) in SERVERS.items()}
    wait(answers.values(), READY_SECONDS)
    for name, answer in answers.items():
        # What has not begun has an earlier question before it that still waits.
        if answer.cancel() or not answer.done():
            yield f"{name} does not answer."
        elif problem := answer.result():
            yield problem


def _problem_of_postgres() -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_WRITE)
            cursor.execute("SHOW transaction_read_only")
            is_read_only = cursor.fetchone() == ("on",)
        return "The database is read-only." if is_read_only else _problem_of_schema()
    except Error as error:
        return storage_problem(error) or "PostgreSQL does not answer."
    finally:
        connections.close_all()


def _problem_of_schema() -> str:
    return "" if _is_migrated() else "Database migrations are pending."


def _is_migrated() -> bool:
    """Once it is, nothing but a newer version has more to apply, which is another process."""
    global _was_migrated
    _was_migrated = _was_migrated or not pending_migrations()
    return _was_migrated


def _problem_of_redis() -> str:
    try:
        cache.set("health", 1, timeout=10)
    except OUTAGES:
        return "Redis does not answer."
    except RedisError:
        return "Redis cannot write."
    return ""


# Each has a thread of its own, so that a server that hangs keeps neither the other's answer nor this one's.
SERVERS: dict[str, tuple[Executor, Callable[[], str]]] = {
    "PostgreSQL": (ThreadPoolExecutor(1, "ready-postgres"), _problem_of_postgres),
    "Redis": (ThreadPoolExecutor(1, "ready-redis"), _problem_of_redis),
}
