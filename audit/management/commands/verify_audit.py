"""Prove that the audit log is as it was written."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Generator, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.db.models import Max

from audit import chain, checkpoint
from audit.chain import ChainEntry
from audit.models import AuditEvent
from audit.verification import known_heads, show_on_pages, verify_from

NOT_CHECKED = 2


class Command(BaseCommand):
    help = (
        "Verify the audit log against its hash chain and its signed checkpoints. Exit code 0: verified; 1: "
        "verification failed, with the first invalid entry; 2: could not be verified. "
        "Example: manage.py verify_audit --json"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=int, default=1, metavar="N", help="begin at entry N")
        parser.add_argument("--checkpoints", type=Path, metavar="DIR", help="default: AISTRALE_CHECKPOINT_DIR")
        parser.add_argument("--json", dest="as_json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, first: int, checkpoints: Path | None, as_json: bool, **options: Any) -> None:
        heads = _heads(checkpoints)
        result = self._verify(first, heads, quiet=as_json)
        if first == 1:
            self._show_on_pages(result)
        if as_json:
            self.stdout.write(json.dumps(_report(first, heads, result)))
            sys.exit(1 if result.violation else 0)
        if result.violation:
            raise CommandError(f"Verification failed. First invalid {result.violation}.")
        self._print_success(result, heads)

    def _verify(self, first: int, heads: dict[int, str], *, quiet: bool) -> chain.VerificationResult:
        if first < 1:
            raise CommandError("Entries are numbered from 1.", returncode=NOT_CHECKED)
        try:
            total = (AuditEvent.objects.aggregate(last=Max("sequence"))["last"] or 0) - first + 1
            return verify_from(first, heads=heads, watch=iter if quiet else partial(self._counted, total))
        except DatabaseError as error:
            raise CommandError(f"The audit log cannot be read: {error}", returncode=NOT_CHECKED) from error

    def _counted(self, total: int, entries: Iterable[ChainEntry]) -> Generator[ChainEntry]:
        """Passes entries on, with a line about every 100,000 of them."""
        for count, entry in enumerate(entries, start=1):
            yield entry
            if count % 100_000 == 0:
                self.stdout.write(f"Verifying: {count:,} of {total:,}")

    def _show_on_pages(self, result: chain.VerificationResult) -> None:
        try:
            show_on_pages(result)
        except DatabaseError as error:  # who verifies may have no right to write
            self.stderr.write(f"The pages will not show this result: {error}")

    def _print_success(self, result: chain.VerificationResult, heads: dict[int, str]) -> None:
        self.stdout.write(
            f"The audit log is verified: {result.entries:,} entries up to {result.sequence}, "
            f"hash {result.hash}, personal details of {result.erased:,} erased."
        )
        if not heads:
            self.stdout.write("No checkpoints: a truncated or rewritten log would not be detected.")


def _heads(directory: Path | None) -> dict[int, str]:
    if directory and not directory.is_dir():
        raise CommandError(f"{directory} is not a directory.", returncode=NOT_CHECKED)
    directory = directory or settings.CHECKPOINT_DIR
    if checkpoint.files(directory) and not settings.AUDIT_KEYS:
        raise CommandError("Checkpoints need the audit key: set AISTRALE_AUDIT_KEY.", returncode=NOT_CHECKED)
    try:
        return known_heads(directory)
    except checkpoint.CheckpointError as error:
        raise CommandError(f"A checkpoint has been altered: {error}.") from error


def _report(first: int, heads: dict[int, str], result: chain.VerificationResult) -> dict[str, Any]:
    violation = result.violation
    return {
        "right": violation is None,
        "first": first,
        "last": result.sequence,
        "hash": result.hash,
        "entries": result.entries,
        "erased": result.erased,
        "checkpointed_to": max(heads, default=0),
        "problem": {"sequence": violation.sequence, "reason": violation.reason} if violation else None,
    }
