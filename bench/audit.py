"""What the audit log costs: ``python -m bench.audit [--json] [--entries N]``.

Starts a throw-away PostgreSQL that writes as durably as a real one, appends from one and from 50 processes, and
verifies a long log, compared with computing the same hashes of the same bytes, already in memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing.synchronize import Barrier
from pathlib import Path

import django

from aistrale.embedded import Servers, database_url, redis_url

PEOPLE = 200
SLICE = 50_000
fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Row:
    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Person:
    audit_id: uuid.UUID
    email: str
    role: str = "engineer"


@contextmanager
def database() -> Iterator[None]:
    directory = Path(tempfile.mkdtemp(prefix="aistrale-bench-"))
    directory.chmod(0o711)
    servers = Servers(directory)
    try:
        servers.start()
        os.environ |= {
            "AISTRALE_ENV_FILE": os.devnull,
            "AISTRALE_DATA_DIR": str(directory),
            "AISTRALE_CHECKPOINT_ENTRIES": str(10**9),
            "AISTRALE_DATABASE_POOL": "2",
            "DATABASE_URL": database_url(directory),
            "DJANGO_SETTINGS_MODULE": "aistrale.settings",
            "REDIS_URL": redis_url(directory),
            "SECRET_KEY": secrets.token_urlsafe(50),
        }
        # In a process of its own: this one will fork, and must not be connected then.
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
        django.setup()
        yield
    finally:
        servers.stop()
        shutil.rmtree(directory, ignore_errors=True)


def append(count: int, barrier: Barrier) -> None:
    from django.db import connection, transaction

    from audit.context import Source, bound
    from audit.services import record
    from tokens.actions import TokensAction

    person = Person(uuid.uuid4(), "somebody@example.org")
    connection.ensure_connection()
    barrier.wait()
    with bound(source=Source.WEB, address="192.0.2.17", user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"):
        for number in range(count):
            with transaction.atomic():
                record(action=TokensAction.TOKEN_USE, actor=person, after={"provider": "openai", "number": number})


def appends_per_second(writers: int, each: int) -> Row:
    barrier = fork.Barrier(writers + 1)
    processes = [fork.Process(target=append, args=(each, barrier)) for _ in range(writers)]
    for process in processes:
        process.start()
    barrier.wait()
    begun = time.perf_counter()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("A writer failed.")
    name = f"appends from {writers} process{'es' if writers > 1 else ''}"
    return Row(name, writers * each / (time.perf_counter() - begun), "/s")


def made_entries(count: int) -> Iterator[tuple[int, str, str, str, str, str]]:
    """A right chain of entries as long as real ones: sequence, previous hash, hash, body, salt, details."""
    from audit import chain

    people = [Person(uuid.uuid4(), f"person{number}@example.org") for number in range(PEOPLE)]
    previous = chain.GENESIS
    for sequence in range(1, count + 1):
        person = people[sequence % PEOPLE]
        salt = f"{sequence:032x}"
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
        details = chain.canonical(
            {"actor": person.email, "target": "Work", "address": "192.0.2.17", "user_agent": agent}
        )
        body = chain.canonical(
            {
                "action": "tokens:token:use",
                "actor": str(person.audit_id),
                "role": person.role,
                "owner": str(person.audit_id),
                "target_type": "tokens.providertoken",
                "target_id": str(sequence % 500),
                "outcome": "success",
                "source": "socket",
                "request_id": str(uuid.UUID(int=sequence)),
                "before": None,
                "after": {"provider": "openai", "model": "gpt-4.1"},
                "details_digest": chain.details_digest(salt, details),
                "timestamp": f"2026-01-01T00:00:00.{sequence % 1_000_000:06d}Z",
            }
        )
        digest = chain.entry_hash(sequence, previous, body)
        yield sequence, previous, digest, body, salt, details
        previous = digest


def fill(count: int) -> None:
    """Replaces the log. PostgreSQL derives columns and keeps indexes, which takes most of the time."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("audit_auditevent", "audit_auditdetails"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("TRUNCATE audit_auditevent, audit_auditdetails")
        cursor.execute("CREATE TEMP TABLE made (n bigint, before text, hash text, body text, salt text, details text)")
        with cursor.copy("COPY made FROM STDIN") as copy:
            for entry in made_entries(count):
                copy.write_row(entry)
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            "INSERT INTO audit_auditevent (sequence, previous_hash, hash, body) "
            "SELECT n, before, hash, body FROM made ORDER BY n"
        )
        cursor.execute(
            "INSERT INTO audit_auditdetails (event_id, salt, content) SELECT n, salt, details FROM made ORDER BY n"
        )
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE audit_auditevent, audit_auditdetails")


def verification_rows(count: int) -> list[Row]:
    from audit.verification import verify_from

    hashing = hashing_seconds()
    begun = time.perf_counter()
    result = verify_from(1, heads={})
    verifying = time.perf_counter() - begun
    if result.violation or result.entries != count:
        raise SystemExit(f"The verification went wrong: {result}")
    return [
        Row(f"hashing {count:,} entries alone", hashing, "s"),
        Row(f"verifying {count:,} entries", verifying, "s"),
        Row("verifying to hashing alone", verifying / hashing, "times"),
    ]


def hashing_seconds() -> float:
    """Time for the two hashes of every entry, without reading it from the database or composing what is hashed."""
    from django.db import transaction

    from audit.verification import stored_entries

    seconds = 0.0
    with transaction.atomic():
        stored = stored_entries()
        while batch := list(islice(stored, SLICE)):
            entries = [f"aistrale-audit-1\n{x.sequence}\n{x.previous_hash}\n{x.body}".encode() for x in batch]
            details = [f"{x.salt}\n{x.content}".encode() for x in batch]
            begun = time.perf_counter()
            for entry, detail in zip(entries, details, strict=True):
                hashlib.sha256(entry).hexdigest()
                hashlib.sha256(detail).hexdigest()
            seconds += time.perf_counter() - begun
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--entries", type=int, default=1_000_000, help="length of the log (default: %(default)s)")
    arguments = parser.parse_args()
    with database():
        rows = [appends_per_second(1, 2000), appends_per_second(50, 60)]
        fill(arguments.entries)
        rows += verification_rows(arguments.entries)
    if arguments.json:
        json.dump({"cores": os.cpu_count(), "rows": [vars(row) for row in rows]}, sys.stdout, indent=2)
        print()
        return
    print(f"{os.cpu_count()} cores, shared by PostgreSQL and the writers\n")
    for row in rows:
        print(f"{row.name:40}{row.value:12,.1f} {row.unit}")


if __name__ == "__main__":
    main()
