"""Do background jobs. `manage.py up` starts this beside the web server."""

from __future__ import annotations

import os
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand

from aistrale.observability import observed
from aistrale.worker import work


class Command(BaseCommand):
    help = (
        "Do the background jobs: checkpoints and verification of the audit log, rotation of keys, clearing up. Any "
        "number of workers may run; each job is done once. SIGTERM or Ctrl+C stops it in order."
    )
    requires_system_checks = [Tags.security]

    def handle(self, *args: Any, **options: Any) -> None:
        # As PostgreSQL lists its connections.
        os.environ["PGAPPNAME"] = "aistrale worker"
        with observed("worker"):
            work()
