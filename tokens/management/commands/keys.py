from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from audit.context import Source, bind
from tokens import console, key_status
from tokens.master_keys import declare_lost


class Command(BaseCommand):
    help = (
        "List every master key and data key with its state, age, encrypted rows and last use. Exit code 2 when the "
        "master keys cannot be read.\n\nExample: manage.py keys --json"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--lost",
            metavar="MASTER_KEY",
            help="declare this master key permanently lost: the system starts without it, and secrets encrypted with "
            "it must be entered again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["lost"]:
            self._declare_lost(options["lost"])
        with console.refusals():
            masters, keys, warnings = key_status.master_keys(), key_status.data_keys(), key_status.warnings()
        if options["json"]:
            data = {
                "master_keys": [asdict(key) for key in masters],
                "data_keys": [asdict(key) for key in keys],
                "warnings": warnings,
            }
            self.stdout.write(json.dumps(data, cls=DjangoJSONEncoder))
            return
        for master in masters:
            age = _age(master.in_use_since)
            self.stdout.write(
                f"master  {master.id:<36}  {master.state:<12}  {age:>10}  encrypts {master.data_keys:,} keys"
            )
        for key in keys:
            used = f"last used {_age(key.last_used_at)} ago" if key.last_used_at else "not used"
            age = _age(key.created_at)
            self.stdout.write(f"data    {key.id}  {key.state:<12}  {age:>10}  encrypts {key.rows:,} rows, {used}")
        for warning in warnings:
            self.stdout.write(self.style.WARNING(warning))
        self.stdout.write(f"{len(masters)} master keys, {len(keys)} data keys, {len(warnings)} warnings.")

    def _declare_lost(self, master_key: str) -> None:
        bind(source=Source.COMMAND)
        with console.refusals():
            lost = declare_lost(master_key, actor=None)
        if not lost:
            raise CommandError(
                f"No data key depends on a missing master key {master_key!r}. Nothing was changed.", returncode=2
            )


def _age(moment: datetime | None) -> str:
    if moment is None:
        return "unused"
    age = timezone.now() - moment
    return f"{age.days:,} d" if age.days else f"{age.seconds // 3600} h {age.seconds // 60 % 60} min"
