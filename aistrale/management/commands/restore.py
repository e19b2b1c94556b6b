"""Fill an empty database from a dump. `docs/operations.md` has all steps."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aistrale.backup import BackupRefused, restore
from aistrale.connectivity import OutOfReach
from aistrale.embedded import ServerError


class Command(BaseCommand):
    help = (
        "Restore a file written by `manage.py dump` into an empty database. Put the keys in place first. "
        "Example: manage.py restore aistrale.dump"
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="written by `manage.py dump`")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            restore(file)
        except (BackupRefused, OutOfReach, ServerError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file} restored. Start with `make run`, which checks the keys.")
