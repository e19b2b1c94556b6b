"""Bootstrap before the first request: migrations, keys for what is stored, static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from aistrale import keyfiles
from aistrale.static_storage import names_in_use
from tokens import keyring

FINGERPRINT_FILE = "static.fingerprint"
SEALING_MIGRATION = ("tokens", "0001_initial")


class NotPrepared(Exception):
    """What is wrong and what to do, in one line."""


def unknown_migrations() -> list[str]:
    """Applied to the database but not in this code, as ``app.name``."""
    loader = MigrationLoader(connection)
    return sorted(f"{app}.{name}" for app, name in set(loader.applied_migrations) - set(loader.disk_migrations))


def pending_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def check_database_is_known() -> None:
    if unknown := unknown_migrations():
        raise NotPrepared(
            f"The database is newer than this code (it has {', '.join(unknown)}): update the code, "
            "or use another database."
        )


def check_master_keys() -> None:
    if SEALING_MIGRATION not in MigrationLoader(connection).applied_migrations:
        return
    if missing := keyring.missing_master_keys():
        raise NotPrepared(
            f"Stored provider keys need the master key {', '.join(missing)}, which is not here: put it into "
            f"{keyfiles.master_keys_file(settings.DATA_DIR)} or AISTRALE_MASTER_KEYS. If it is lost for good, see "
            "`manage.py keys --lost`."
        )
    for reason in keyring.broken_keys().values():
        raise NotPrepared(f"Stored provider keys need another master key of the same name: {reason}")


def create_missing_master_key() -> str | None:
    """The id of the key that was made, None when there is one already."""
    return None if settings.MASTER_KEYS else keyfiles.create_master_key(settings.DATA_DIR)


def migrate(say: Callable[[str], object]) -> None:
    if pending := pending_migrations():
        say(f"Applying {len(pending)} database migrations.")
        with connection.cursor() as cursor:  # the limits are for pages
            cursor.execute("SET statement_timeout = 0")
        call_command("migrate", interactive=False, verbosity=0)


def collect_static_files() -> bool:
    """Whether anything had changed since the last time. Raises NotPrepared where they cannot be written."""
    if settings.STATIC_IS_COLLECTED:
        return False
    mark = settings.DATA_DIR / FINGERPRINT_FILE
    fingerprint = _static_fingerprint()
    if settings.STATIC_ROOT.is_dir() and mark.is_file() and mark.read_text() == fingerprint:
        return False
    try:
        mark.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        mark.write_text(fingerprint)
    except OSError as error:
        raise NotPrepared(
            f"Cannot write {error.filename or mark} ({error.strerror}): make room for it, or make it writable."
        ) from error
    return True


def _static_fingerprint() -> str:
    digest = hashlib.sha256(f"{django.__version__} {settings.STORAGES}".encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    digest.update(" ".join(sorted(names_in_use())).encode())
    return digest.hexdigest()
