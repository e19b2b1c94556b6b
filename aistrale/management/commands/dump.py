"""Take a backup of the database. `docs/operations.md` says what else to keep."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aistrale.backup import BackupRefused, dump
from aistrale.connectivity import OutOfReach
from aistrale.embedded import ServerError


class Command(BaseCommand):
    help = (
        "Write a dump of the whole database to a new file, without downtime. It contains no usable keys: back up "
        "master_keys and audit_key separately. Example: manage.py dump aistrale.dump"
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="must not exist yet")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            dump(file)
        except (BackupRefused, OutOfReach, ServerError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{file.stat().st_size:,} bytes written to {file}. It does not contain the keys: back them up separately."
        )
