"""What a rotation of the data keys costs: ``python -m bench.keys [--json] [--tokens N]``.

Starts a throw-away PostgreSQL that writes as durably as a real one, and by turns rewrites the sealed column with bare
UPDATEs, values ready in memory and batches as large, and rotates: select, open, seal, compare-and-set, verify, retire.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from bench.audit import Row, database
from tokens.envelope import new_master_key

if TYPE_CHECKING:
    from tokens.reseal import Row as SealedRow

ROUNDS = 3
_BARE = (
    "UPDATE tokens_providertoken AS held SET secret = batch.new "
    "FROM unnest(%b::uuid[], %b::bytea[]) AS batch (id, new) WHERE held.id = batch.id"
)


def fill(count: int) -> None:
    from django.db import transaction

    from accounts.models import User
    from tokens import keyring
    from tokens.models import ProviderToken
    from tokens.services import SECRET_FIELD

    owner = User.objects.create_user("somebody@example.org")
    with transaction.atomic():
        key = keyring.sealing_key()
        tokens = [ProviderToken(owner=owner, provider="openai", label=f"Token {number}") for number in range(count)]
        for number, token in enumerate(tokens):
            token.secret = keyring.seal(token, SECRET_FIELD, f"sk-proj-{number:048d}", key=key)
        ProviderToken.objects.bulk_create(tokens, batch_size=5000)


def tidy() -> None:
    """Each round finds the table as the other did: no dead rows, the same room on its pages."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM FULL tokens_providertoken")
        cursor.execute("ANALYZE tokens_providertoken")


def bare_seconds(batches: list[list[SealedRow]]) -> float:
    import psycopg
    from django.db import connection, transaction

    begun = time.perf_counter()
    with psycopg.Cursor(connection.connection) as cursor:
        for rows in batches:
            with transaction.atomic():
                cursor.execute(_BARE, [[row[0] for row in rows], [row[1] for row in rows]])
    return time.perf_counter() - begun


def rotation_seconds() -> tuple[float, float, float]:
    """Seconds for the re-sealing, for the whole rotation, and of this process's CPU for the re-sealing."""
    from tokens import rotation
    from tokens.models import RotationStep, Trigger

    moments: dict[str, tuple[float, float]] = {}
    begun = time.perf_counter()

    def tell(progress: rotation.Progress) -> None:
        moments[progress.step] = (time.perf_counter(), time.process_time())

    run = rotation.run(trigger=Trigger.COMMAND, actor=None, tell=tell)
    if run.failures or run.resealed != run.total:
        raise SystemExit("The rotation went wrong.")
    (start, start_cpu), (end, end_cpu) = moments[RotationStep.PROMOTED], moments[RotationStep.RESEALED]
    return end - start, time.perf_counter() - begun, end_cpu - start_cpu


def measured(count: int) -> list[Row]:
    from tokens import reseal, rotation
    from tokens.models import ProviderToken

    column = next(column for column in reseal.columns() if column.model is ProviderToken)
    bare: list[float] = []
    rotations: list[tuple[float, float, float]] = []
    for _ in range(ROUNDS):
        batches = list(reseal.batches(column, size=rotation.BATCH_SIZE))
        tidy()
        bare.append(bare_seconds(batches))
        tidy()
        rotations.append(rotation_seconds())
    resealed, whole, cpu = zip(*rotations, strict=True)
    return [
        Row(f"{count:,} bare updates", median(bare), "s"),
        Row(f"re-sealing {count:,} tokens", median(resealed), "s"),
        Row("re-sealing to bare updates", median(resealed) / median(bare), "times"),
        Row("CPU of the re-sealing process", median(cpu), "s"),
        Row("whole rotation, verified and retired", median(whole), "s"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.keys", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--tokens", type=int, default=100_000, help="how many (default: %(default)s)")
    arguments = parser.parse_args()
    os.environ["AISTRALE_MASTER_KEYS"] = new_master_key()
    with database():
        fill(arguments.tokens)
        rows = measured(arguments.tokens)
    if arguments.json:
        json.dump({"cores": os.cpu_count(), "rows": [vars(row) for row in rows]}, sys.stdout, indent=2)
        print()
        return
    print(f"{os.cpu_count()} cores, shared by PostgreSQL and the rotation; medians of {ROUNDS} rounds by turns\n")
    for row in rows:
        print(f"{row.name:40}{row.value:12,.2f} {row.unit}")


if __name__ == "__main__":
    main()
