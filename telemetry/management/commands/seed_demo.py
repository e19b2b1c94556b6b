"""`manage.py seed_demo`: calls that were never made, to look at pages and to measure them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from telemetry import demo
from telemetry.rollups.keeping import roll_up


class Command(BaseCommand):
    help = "Store demonstration calls of the last days, or remove them. Example: manage.py seed_demo --calls 3000"

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--calls", type=int, help="number of calls to store")
        what.add_argument("--remove", action="store_true", help="remove all demonstration calls")
        parser.add_argument("--days", type=int, default=90, help="how many days back they reach (default: 90)")

    def handle(self, *args: Any, calls: int | None, remove: bool, days: int, **options: Any) -> None:
        if remove:
            self.stdout.write(f"Calls removed: {demo.remove():,}.")
        else:
            self._seed(calls or 0, days)
        roll_up(now=timezone.now())

    def _seed(self, calls: int, days: int) -> None:
        users = list(User.objects.order_by("pk").values_list("pk", flat=True)[:20])
        if not users:
            raise CommandError("There are no users yet: create one first.")
        for stored in demo.seed(calls=calls, days=days, now=timezone.now(), users=users):
            self.stdout.write(f"{stored:,} of {calls:,}")
