from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aistrale.embedded import ServerError
from aistrale.restarts import Crashed
from aistrale.supervisor import StartRefused, Supervisor


class Command(BaseCommand):
    help = (
        "Start everything: PostgreSQL and Valkey unless DATABASE_URL and REDIS_URL are given, migrations, the web "
        "server. Ctrl+C stops it all. A part that crashes is started again. Exit code 1 when something cannot start."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            Supervisor(self.stdout.write).run()
        except (Crashed, ServerError, StartRefused) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.strerror}: {error.filename}. Make room or make it writable.") from error
