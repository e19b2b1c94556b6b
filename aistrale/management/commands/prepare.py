"""Part of `manage.py up`, which runs it once the servers answer."""

from __future__ import annotations

import json
import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts.services import setup_link
from aistrale import bootstrap
from aistrale.checks import master_keys_problem
from aistrale.connectivity import OutOfReach, pgvector_version, postgres_version, redis_version
from aistrale.management.commands.serve import open_listener
from inference.runs.finish import interrupt_runs
from telemetry.models import Generation
from tokens.services import recheck_unreadable


class Command(BaseCommand):
    help = (
        "Bring database, keys and static files up to date, then print what was done and the first administrator's link "
        "as JSON. Changes nothing when the database cannot be used."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wait",
            action="store_true",
            help="do nothing before a line of standard input says that the servers answer",
        )
        parser.add_argument("--serve", action="store_true", help="go on as `manage.py serve`, which saves a start")
        parser.add_argument(
            "--alone",
            action="store_true",
            help="the database has just been started for this process alone: end the runs that are said to go on",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Whoever comes from now on waits until this version serves, instead of being refused.
        listener = open_listener(settings.HOST, settings.PORT) if options["serve"] else None
        if options["wait"] and not sys.stdin.readline():
            raise CommandError("The servers have not been started.")
        if problem := master_keys_problem():
            raise CommandError(problem)
        try:
            postgres_version()
            pgvector_version()
            redis_version()
            bootstrap.check_database_is_known()
            bootstrap.check_master_keys()
            master_key = bootstrap.create_missing_master_key()
            bootstrap.migrate(self._say)
            static_files = bootstrap.collect_static_files()
        except (OutOfReach, bootstrap.NotPrepared) as error:
            raise CommandError(str(error)) from error
        report = {"master_key": master_key, "static_files": static_files, "setup_link": setup_link()}
        recheck_unreadable()
        if options["alone"]:
            interrupt_runs(Generation.objects.running())
        self._say(json.dumps(report))
        connection.close()
        if listener:
            self._serve(listener, settings_are_stale=report["master_key"] is not None)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _serve(self, listener: socket.socket, *, settings_are_stale: bool) -> None:
        if settings_are_stale:
            manage = str(settings.BASE_DIR / "manage.py")
            os.execv(sys.executable, [sys.executable, manage, "serve", "--verbosity", "0"])
        call_command("serve", skip_checks=False, verbosity=0, listener=listener)
