"""`manage.py rollup`: count the calls of hours that have changed, as the worker does it every minute."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from telemetry.rollups.keeping import mark_all_stale, roll_up


class Command(BaseCommand):
    help = "Update the rollups of changed hours, or of all hours. Example: manage.py rollup --rebuild"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="recount all stored calls")

    def handle(self, *args: Any, rebuild: bool, **options: Any) -> None:
        if rebuild:
            mark_all_stale()
        self.stdout.write(f"Hours counted: {roll_up(now=timezone.now()):,}.")
