"""`manage.py reprice`: price recorded calls anew."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.context import Source, bind
from telemetry.prices.reprice import Result, Scope, Totals, reprice


class Command(BaseCommand):
    help = (
        "Recalculate the cost of recorded calls with the prices now known for their day. Costs reported by providers "
        "and earlier receipts are kept. Can be interrupted and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", required=True, type=_day, metavar="YYYY-MM-DD", help="first day, UTC")
        parser.add_argument("--endpoint", default="", metavar="NAME", help="only this provider or base URL")
        parser.add_argument("--model", default="", metavar="ID", help="only this model, as calls name it")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, print what would change")

    def handle(self, *args: Any, since: datetime | str, dry_run: bool, **options: Any) -> None:
        bind(source=Source.COMMAND)
        start = since if isinstance(since, datetime) else _day(since)
        result = reprice(scope=Scope(start, options["endpoint"], options["model"]), is_dry=dry_run)
        self._print(result)
        if dry_run:
            self.stdout.write("Nothing was changed (dry run).")

    def _print(self, result: Result) -> None:
        changed = {key: totals for key, totals in sorted(result.by_model.items()) if totals.changed}
        for (provider, model), totals in changed.items():
            self.stdout.write(f"{provider} {model}: {_told(totals)}")
        self.stdout.write(f"Total: {_told(result.total)}")


def _told(totals: Totals) -> str:
    return (
        f"{totals.changed:,} of {totals.calls:,} calls changed, ${totals.old_usd:,.6f} -> ${totals.new_usd:,.6f}, "
        f"{totals.newly_priced:,} newly priced, {totals.unpriced:,} unpriced"
    )


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a date such as 2026-11-30") from error
