"""How long pages of figures and calls take, by how many calls are stored: ``python -m bench.telemetry [--full]``.

Starts a throw-away PostgreSQL that writes as durably as a real one, stores demonstration calls of 90 days, and asks for
each page by turns. Of each: the time in the database, that of its slowest statement, and all of it on the server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.audit import database
from tokens.envelope import new_master_key

if TYPE_CHECKING:
    from accounts.models import User

SIZES, FULL = (100_000, 1_000_000), 10_000_000
ROUNDS, USERS = 9, 20
EXPORTED = 100_000


@dataclass(frozen=True)
class Row:
    """Milliseconds, medians."""

    calls: int
    page: str
    database: float
    slowest: float
    server: float


def pages(user: User) -> dict[str, Callable[[], Any]]:
    from django.test import RequestFactory

    from inference.dashboard import dashboard
    from telemetry.costs.views import costs
    from telemetry.explorer.views import generation_list, generation_summary
    from telemetry.models import Generation

    def ask(view: Callable[..., Any], **query: str) -> Callable[[], Any]:
        def asked() -> Any:
            request = RequestFactory().get("/", query)
            request.user = user
            return view(request)

        return asked

    newest = Generation.objects.order_by("-started_at").values_list("pk", flat=True)[0]
    return {
        **{
            f"dashboard, {key}, everyone": ask(dashboard, range=key, whose="everyone")
            for key in ("1h", "24h", "7d", "30d", "90d")
        },
        "dashboard, 30d, mine": ask(dashboard, range="30d"),
        "list": ask(generation_list),
        "list of a model": ask(generation_list, model="mistral-large-2411", range="30d"),
        "list of failures": ask(generation_list, status="failed", range="30d"),
        "list of a provider": ask(generation_list, provider="mistral"),
        "list of an error": ask(generation_list, error="rate_limited"),
        "list of a user": ask(generation_list, user=str(user.audit_id)),
        "list by cost": ask(generation_list, sort="-cost", range="30d"),
        "list of slow calls": ask(generation_list, min_seconds="60", range="30d"),
        "summary": ask(generation_summary),
        "summary of slow calls": ask(generation_summary, min_seconds="10", range="30d"),
        "costs, everyone": ask(costs, whose="everyone"),
        "costs, mine": ask(costs),
        "one call": lambda: Generation.objects.select_related("user", "content").get(pk=newest),
    }


def measured(name: str, ask: Callable[[], Any], calls: int) -> Row:
    from django.db import connection

    totals, slowest, server = [], [], []
    for _ in range(ROUNDS):
        times: list[float] = []

        def timed(execute: Callable[..., Any], *call: Any, times: list[float] = times) -> Any:
            began = time.perf_counter()
            try:
                return execute(*call)
            finally:
                times.append(time.perf_counter() - began)

        began = time.perf_counter()
        with connection.execute_wrapper(timed):
            ask()
        server.append(time.perf_counter() - began)
        totals.append(sum(times))
        slowest.append(max(times))
    return Row(calls, name, *(1000 * median(values) for values in (totals, slowest, server)))


def exported_per_second() -> float:
    from telemetry.exports.columns import chosen
    from telemetry.exports.stream import exported
    from telemetry.models import Generation

    async def export() -> int:
        count = 0
        async for text in exported(Generation.objects.all(), "csv", chosen([])):
            count += str(text).count("\n")
            if count >= EXPORTED:
                break
        return count

    began = time.perf_counter()
    return asyncio.run(export()) / (time.perf_counter() - began)


def fill(calls: int, stored: int, users: list[int]) -> Mapping[str, float]:
    """Seconds that it took."""
    from django.db import connection
    from django.utils import timezone

    from telemetry import demo
    from telemetry.rollups.keeping import roll_up

    began = time.perf_counter()
    for _ in demo.seed(calls=calls - stored, days=90, now=timezone.now(), users=users):
        pass
    seeded = time.perf_counter()
    roll_up(now=timezone.now())
    rolled_up = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE telemetry_generation, telemetry_rollup, telemetry_stalehour")
    return {"store": seeded - began, "roll up": rolled_up - seeded}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--full", action="store_true", help=f"measure {FULL:,} calls as well")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many calls")
    arguments = parser.parse_args()
    os.environ["AISTRALE_MASTER_KEYS"] = new_master_key()
    rows: list[Row] = []
    with database():
        from django.core.management import call_command

        from accounts.models import User

        call_command("collectstatic", interactive=False, verbosity=0)
        admin = User.objects.create_superuser("admin@example.org", "x")
        users = [admin, *(User.objects.create_user(f"user{number}@example.org") for number in range(1, USERS))]
        stored = 0
        for calls in [*arguments.sizes, *([FULL] if arguments.full else [])]:
            took = fill(calls, stored, [user.pk for user in users])
            rows += [measured(name, ask, calls) for name, ask in pages(admin).items()]
            stored = calls
            seconds = ", ".join(f"{what} {value:,.0f} s" for what, value in took.items())
            print(f"{calls:,} calls: {seconds}, export {exported_per_second():,.0f} rows/s", file=sys.stderr)
    if arguments.json:
        json.dump({"cores": os.cpu_count(), "rows": [asdict(row) for row in rows]}, sys.stdout, indent=2)
        print()
        return
    print(f"{os.cpu_count()} cores, shared by PostgreSQL and the pages; ms, medians of {ROUNDS}\n")
    print(f"{'calls':>12} {'page':30}{'database':>10}{'slowest':>10}{'server':>10}")
    for row in rows:
        print(f"{row.calls:12,} {row.page:30}{row.database:10.1f}{row.slowest:10.1f}{row.server:10.1f}")


if __name__ == "__main__":
    main()
