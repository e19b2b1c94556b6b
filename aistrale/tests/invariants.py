"""What must be so after every fault, and faults repeated with many seeds.

A test marked ``fault`` takes ``chance`` and ends with ``check_invariants()``. ``--repeats N --seed S`` runs it N times
with the seeds S, S+1, ...; the seed is in the name of the test.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator

import pytest

CheckSound = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--repeats", type=int, default=1, help="how often each fault is caused")
    parser.addoption("--seed", type=int, default=1, help="of the first repeat; each further one has the next")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("seed")
        seeds = range(first, first + metafunc.config.getoption("repeats"))
        metafunc.parametrize("seed", seeds, ids=[f"seed={seed}" for seed in seeds])


@pytest.fixture
def chance(seed: int) -> random.Random:
    return random.Random(seed)


@pytest.fixture
def check_invariants() -> CheckSound:
    """`check_invariants(secrets=[...], unreadable={...})` fails the test with every problem that is found."""

    def check(*, secrets: Collection[str] = (), unreadable: Collection[str] = ()) -> None:
        assert list(problems(secrets=secrets, unreadable=unreadable)) == []

    return check


def problems(*, secrets: Collection[str] = (), unreadable: Collection[str] = ()) -> Iterator[str]:
    """Of the database and the Redis of the settings. ``unreadable``: ids of tokens that are not to be readable."""
    yield from _of_the_audit_log()
    yield from _of_runs()
    yield from _of_tokens(unreadable)
    yield from _planted(secrets)
    yield from _of_health()


def problems_of_site(environment: dict[str, str], secrets: Collection[str]) -> list[str]:
    """The same of another process' database and Redis, by its environment."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input="\n".join(secrets),
        env=environment | {"DJANGO_SETTINGS_MODULE": "aistrale.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def _of_the_audit_log() -> Iterator[str]:
    from django.conf import settings

    from audit.verification import known_heads, verify_stored

    result = verify_stored(heads=known_heads(settings.CHECKPOINT_DIR))
    if result.violation:
        yield f"audit: {result.violation}"


def _of_runs() -> Iterator[str]:
    from telemetry.models import Generation

    if running := Generation.objects.filter(status="running").count():
        yield f"{running} runs are left running"


def _of_tokens(unreadable: Collection[str]) -> Iterator[str]:
    from tokens import keyring, rotation

    keyring.forget()
    found = {failure.id for failure in rotation.verify()}
    for token in found ^ set(unreadable):
        yield f"token {token} can {'not ' if token in found else ''}be opened"


def _planted(secrets: Collection[str]) -> Iterator[str]:
    from django.conf import settings
    from django.db import connection
    from psycopg import sql
    from redis import Redis

    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            rows = str(cursor.fetchall())
            # Bytes are shown in hex.
            spellings = [spelling for secret in secrets for spelling in (secret, secret.encode().hex())]
            yield from (f"a secret is in {table}" for spelling in spellings if spelling in rows)
    with Redis.from_url(settings.REDIS_URL) as redis:
        values = str([redis.dump(key) for key in redis.scan_iter()])
    yield from ("a secret is in Redis" for secret in secrets if secret in values)


def _of_health() -> Iterator[str]:
    from django.test import Client

    answer = Client(SERVER_NAME="127.0.0.1").get("/health/ready")
    if answer.status_code != 200:
        yield f"health: {answer.status_code}"


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(list(problems(secrets=sys.stdin.read().split()))))
