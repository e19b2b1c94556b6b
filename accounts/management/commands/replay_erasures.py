"""Erase once more whoever came back with an older database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.people.services import LastAdministrator
from accounts.personal_data.erasure import erase_user, erasure_list, pseudonyms
from audit.context import Source, bind


class Command(BaseCommand):
    help = (
        "Repeat the erasures that were made after the restored dump was written. Safe to run again. "
        "Example: manage.py replay_erasures --from audit.jsonl"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from",
            dest="path",
            type=Path,
            metavar="FILE",
            help="an export of the audit log, or a list of pseudonyms (default: the list beside the checkpoints)",
        )
        parser.add_argument("--dry-run", action="store_true", help="only print who would be erased")

    def handle(self, *args: Any, path: Path | None, dry_run: bool, **options: Any) -> None:
        bind(source=Source.COMMAND)
        listed = _read(path or erasure_list())
        back = User.objects.filter(audit_id__in=listed)
        gone = len(listed) - len(back)
        refused: list[str] = []
        for user in back:
            self.stdout.write(f"{'Would erase' if dry_run else 'Erasing'} {user.audit_id}")
            if not dry_run:
                refused += _erase(user)
        erased = len(back) - len(refused)
        done = f"{erased:,} erased, {gone:,} had already been erased."
        self.stdout.write(f"{len(back):,} to erase, {gone:,} already erased." if dry_run else done)
        if refused:
            raise CommandError("\n".join(refused), returncode=1)


def _read(path: Path) -> set[Any]:
    try:
        with path.open() as file:
            return set(pseudonyms(file))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=2) from error
    except (ValueError, KeyError, AttributeError) as error:
        raise CommandError(
            f"{path} is neither a list of pseudonyms nor an export of the audit log.", returncode=2
        ) from error


def _erase(user: User) -> list[str]:
    """Why not, where it is refused. That of one person keeps nobody else."""
    try:
        erase_user(user=user, actor=None)
    except LastAdministrator as refusal:
        refusal.record(actor=None)
        return [f"{user.audit_id} is not erased: {refusal}"]
    return []
