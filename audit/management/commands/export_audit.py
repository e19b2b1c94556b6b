"""Export the audit log so that it can be verified elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit import context, services
from audit.actions import AuditAction
from audit.export import export_lines


class Command(BaseCommand):
    help = (
        "Export the audit log as JSON Lines, signed, with its checkpoints; the export is itself recorded. "
        "Verify it with audit/verify_export.py. Example: manage.py export_audit --output audit.jsonl"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=int, default=1, metavar="N", help="begin at entry N")
        parser.add_argument("--to", dest="last", type=int, metavar="N", help="end at entry N (default: the newest)")
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: stdout; a file must not exist yet")
        parser.add_argument("--no-details", dest="details", action="store_false", help="leave personal values out")

    def handle(
        self, *args: Any, first: int, last: int | None, output: Path | None, details: bool, **options: Any
    ) -> None:
        with context.bound(source=context.Source.COMMAND), transaction.atomic():
            event = services.record(
                action=AuditAction.AUDIT_EXPORT, actor=None, after={"first": first, "last": last, "details": details}
            )
        last = event.sequence if last is None else last
        if not 1 <= first <= last <= event.sequence:
            raise CommandError(f"There are entries 1 to {event.sequence}.", returncode=2)
        lines = export_lines(first=first, last=last, with_details=details)
        if output is None:
            for line in lines:
                self.stdout.write(line)
            return
        try:
            with output.open("x") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.", returncode=2) from error
        self.stderr.write(f"{last - first + 1:,} entries written to {output}.")
