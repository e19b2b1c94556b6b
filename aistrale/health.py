"""Is the process alive, and is it ready for more work, or why not? Neither answer tells anything else."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import ConnectionError, RedisError, TimeoutError

from aistrale.disk import full_disk
from aistrale.process import runs
from inference.storage import storage_problem

# What is too much for so little memory goes to the disk of the database, and leaves nothing there.
_WRITE = "SET LOCAL work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 10000)"


@require_safe
@never_cache
@login_not_required
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """503 and the reason while shutting down, and while PostgreSQL or Redis does not answer or cannot write."""
    problem = _problem()
    return HttpResponse(problem or "ok", status=503 if problem else 200, content_type="text/plain")


def _problem() -> str:
    if runs.is_draining:
        return "The server is shutting down."
    if full_disk():
        return "The disk of the data directory is full."
    return _problem_of_database() or _problem_of_cache()


def _problem_of_database() -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_WRITE)
            cursor.execute("SHOW transaction_read_only")
            return "The database is read-only." if cursor.fetchone() == ("on",) else ""
    except DatabaseError as error:
        return storage_problem(error) or "The database does not answer."


def _problem_of_cache() -> str:
    try:
        cache.set("health", 1, timeout=10)
    except (ConnectionError, TimeoutError):
        return "Redis does not answer."
    except RedisError:
        return "Redis cannot write."
    return ""
