from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from audit.context import Source, bind
from tokens import console, master_keys


class Command(BaseCommand):
    help = (
        "Re-encrypt the data keys with the first of AISTRALE_MASTER_KEYS and print which master keys can be removed. "
        "Secrets are not changed. To rotate: put a new key before the old one, restart every process, run this, "
        "then remove the old key.\n\n"
        "Exit code 0: done. 1: a data key could not be decrypted and is listed. 2: not started.\n\n"
        "Example: manage.py rotate_master_key --dry-run"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--dry-run", action="store_true", help="print what would be done, change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        bind(source=Source.COMMAND)
        with console.refusals():
            result = master_keys.rewrap(actor=None, dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            for key, reason in result.failures.items():
                self.stdout.write(f"NOT DECRYPTED {key}: {reason}")
            for master in result.removable:
                self.stdout.write(
                    f"{master} {'will be' if options['dry_run'] else 'is'} unused: it can be removed. "
                    "Archive it for as long as you keep older dumps."
                )
            verb = "would be re-encrypted" if options["dry_run"] else "re-encrypted"
            self.stdout.write(f"{len(result.rewrapped)} data keys {verb} with {result.primary}.")
        sys.exit(1 if result.failures else 0)
