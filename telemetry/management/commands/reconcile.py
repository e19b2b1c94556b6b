"""`manage.py reconcile FILE`: the provider's own usage against what is recorded here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from telemetry.prices.reconcile import differences
from telemetry.prices.usage_exports import ExportRefused, read_export


class Command(BaseCommand):
    help = (
        "Compare an export of usage or of costs of OpenAI or Anthropic (CSV) with the recorded calls, by day (UTC) and "
        "model. Prints each difference. Exit code 0: no differences; 1: differences; 2: no such export. "
        "Example: manage.py reconcile completions_usage.csv"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--tolerance", type=float, default=0.0, metavar="PERCENT", help="leave out smaller differences (default: 0)"
        )

    def handle(self, *args: Any, file: Path, tolerance: float, **options: Any) -> None:
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                export = read_export(lines)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file} cannot be read: {error}.", returncode=2) from error
        except ExportRefused as refused:
            raise CommandError(str(refused), returncode=2) from refused
        found = differences(export, tolerance=tolerance / 100)
        for difference in found:
            self.stdout.write(str(difference))
        days = len({day for day, _ in export.used})
        self.stdout.write(f"{export.provider}: {len(export.used):,} rows by day and model on {days:,} days compared.")
        if found:
            raise CommandError(f"{len(found):,} differences.", returncode=1)
