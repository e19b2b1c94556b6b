from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from audit.context import Source, bind
from tokens import console, key_status, keyring, reseal, rotation
from tokens.models import EncryptionKey, KeyState, Trigger


class Command(BaseCommand):
    help = (
        "Rotate the data keys while the system runs: create a key, make it primary, re-encrypt every secret, "
        "verify, retire the old keys. If interrupted, run it again: it continues where it stopped.\n\n"
        "Exit code 0: done. 1: some values could not be decrypted and are listed. 2: not started.\n\n"
        "Examples: manage.py rotate_keys --dry-run\n"
        "          manage.py rotate_keys --compromised 1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="count what would be done, change nothing")
        mode.add_argument("--verify", action="store_true", help="decrypt every value, change nothing")
        mode.add_argument("--compromised", type=UUID, metavar="KEY", help="retire this key and list what it exposed")
        parser.add_argument("--batch-size", type=int, default=rotation.BATCH_SIZE, metavar="ROWS")
        parser.add_argument("--json", action="store_true", help="print one JSON object and no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.", returncode=2)
        with console.refusals():
            if options["dry_run"]:
                failures = self._dry_run(options)
            elif options["verify"]:
                failures = self._verify(options)
            else:
                failures = self._rotate(options)
        sys.exit(1 if failures else 0)

    def _rotate(self, options: dict[str, Any]) -> int:
        key = _key(options["compromised"])
        if key and key.state == KeyState.RETIRED:
            return self._already_retired(key, options)
        size, tell = options["batch_size"], self._progress(options)
        run = rotation.run(trigger=Trigger.COMMAND, actor=None, compromised=key, batch_size=size, tell=tell)
        self._print(options, key_status.rotation_report(run), key_status.humanize_rotation(run))
        return len(run.failures)

    def _already_retired(self, key: EncryptionKey, options: dict[str, Any]) -> int:
        exposed = key_status.exposed_secrets(key)
        lines = [key_status.humanize_exposed(item) for item in exposed]
        data = {"compromised_key": str(key.pk), "secrets_to_replace": exposed}
        self._print(
            options, data, [*lines, f"{key.pk} is already retired; {len(exposed):,} secrets were encrypted with it."]
        )
        return 0

    def _dry_run(self, options: dict[str, Any]) -> int:
        master = keyring.current().primary_master.id
        rows, interrupted = reseal.rows_by_key(), rotation.unfinished()
        plan = "continue the interrupted rotation" if interrupted else f"create a key encrypted with {master}"
        new_key = str(interrupted.new_key_id) if interrupted else ""
        todo = sum(count for key, count in rows.items() if key != new_key)
        data = {"rows": rows, "to_reseal": todo, "interrupted": bool(interrupted), "warnings": key_status.warnings()}
        lines = [f"{key}: {count:,} rows" for key, count in sorted(rows.items())]
        self._print(options, data, [*lines, f"Would {plan} and re-encrypt {todo:,} rows. Nothing was changed."])
        return 0

    def _verify(self, options: dict[str, Any]) -> int:
        failures = rotation.verify(batch_size=options["batch_size"], tell=self._progress(options))
        rows = sum(reseal.rows_by_key().values())
        lines = [key_status.humanize_failure(failure.as_json()) for failure in failures]
        data = {"rows": rows, "failures": [failure.as_json() for failure in failures]}
        self._print(
            options, data, [*lines, f"{rows:,} rows, {len(failures):,} could not be decrypted. Nothing was changed."]
        )
        return len(failures)

    def _progress(self, options: dict[str, Any]) -> rotation.Tell:
        return (lambda progress: None) if options["json"] else console.progress(self.stdout.write)

    def _print(self, options: dict[str, Any], data: dict[str, Any], lines: list[str]) -> None:
        self.stdout.write(json.dumps(data) if options["json"] else "\n".join(lines))


def _key(key_id: UUID | None) -> EncryptionKey | None:
    if key_id is None:
        return None
    if key := EncryptionKey.objects.filter(pk=key_id).first():
        return key
    raise CommandError(f"There is no data key {key_id}. `manage.py keys` lists them.", returncode=2)
