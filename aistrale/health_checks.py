"""The checks of `manage.py doctor`. Each one looks at a single thing and changes nothing."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from aistrale import bootstrap, connectivity, disk, job_queue, receivers
from aistrale.checks import master_keys_problem
from aistrale.findings import Failed, Finding, Warned
from audit import checkpoint
from audit.models import AuditVerification
from inference.search.models import Change, Embedder
from telemetry import partitions
from tokens import key_status, keyring
from tokens.envelope import MasterKeysInvalid

LEAST_FREE_BYTES = 2**30
NO_VECTOR_INDEX = (
    "Search works without it and takes longer. Let the owner of the table search_embedding run the worker, or make"
    " room; it is tried again every night."
)
PYTHONS = ((3, 11), (3, 13))
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==([^ ;\\]+) *(?:;(.*?))?\\?$", re.MULTILINE)


def run() -> list[Finding]:
    return [*(_run(name, check) for name, check in CHECKS.items()), *receiver_findings()]


def receiver_findings() -> list[Finding]:
    """All are asked at once: those that are away would keep each other waiting."""
    with ThreadPoolExecutor(len(receivers.CHECKS), "receivers") as threads:
        return list(threads.map(_run, receivers.CHECKS.keys(), receivers.CHECKS.values()))


def _run(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except Warned as warning:
        return Finding(name, True, str(warning), warning=True)
    except (Failed, connectivity.OutOfReach, MasterKeysInvalid) as problem:
        return Finding(name, False, str(problem))
    except DatabaseError as problem:
        return Finding(name, False, f"The database does not answer this ({type(problem).__name__}): see above.")


def aistrale_version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    return str(project["project"]["version"])


def _python() -> str:
    oldest, newest = PYTHONS
    if not oldest <= sys.version_info[:2] <= newest:
        raise Failed(f"Python is {sys.version_info[0]}.{sys.version_info[1]}: use 3.11, 3.12 or 3.13.")
    return sys.version.split()[0]


def _packages() -> str:
    pins = (settings.BASE_DIR / "requirements.txt").read_text()
    wanted = {name: pin for name, pin, marker in _PIN.findall(pins) if not marker.strip()}
    different = [
        f"{name} {_installed(name)} instead of {pin}" for name, pin in wanted.items() if _installed(name) != pin
    ]
    if different:
        raise Failed(f"{', '.join(different)}: run `make run`, which installs what requirements.txt says.")
    return f"{len(wanted)} as pinned, Django {_installed('django')}"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "nothing"


def _migrations() -> str:
    connectivity.postgres_version()
    if unknown := bootstrap.unknown_migrations():
        raise Failed(f"The database is newer than this code (it has {', '.join(unknown)}): update the code.")
    if pending := bootstrap.pending_migrations():
        raise Failed(f"{len(pending)} migrations are not applied, first {pending[0]}: run `manage.py migrate`.")
    return "all applied"


def _master_keys() -> str:
    if problem := master_keys_problem():
        raise Failed(problem)
    ids = keyring.current().master_ids
    if not ids:
        raise Failed("There is no master key: set AISTRALE_MASTER_KEYS, or run `make run`, which creates one.")
    return f"{', '.join(ids)} (the first wraps new keys)"


def _data_keys() -> str:
    connectivity.postgres_version()
    if broken := keyring.broken_keys():
        raise Failed("; ".join(f"{key}: {why}" for key, why in broken.items()))
    if warnings := key_status.warnings():
        raise Warned(" ".join(warnings))
    return "all decrypt"


def _audit_key() -> str:
    try:
        keys = checkpoint.read_keys(settings.AUDIT_KEYS)
    except checkpoint.KeyFormatError as problem:
        raise Failed(f"AISTRALE_AUDIT_KEY is not right: {problem}.") from problem
    if not keys:
        raise Failed("There is no audit key to sign checkpoints: set AISTRALE_AUDIT_KEY to the one there was.")
    return f"public key {checkpoint.public_text(keys[0].public_key())}"


def _audit_log() -> str:
    connectivity.postgres_version()
    state = AuditVerification.objects.first()
    if state and state.problem:
        raise Failed(f"First invalid entry {state.problem_sequence}: {state.problem}. Run `manage.py verify_audit`.")
    return f"verified to entry {state.sequence}" if state else "not verified yet"


def _worker() -> str:
    connectivity.postgres_version()
    heartbeat = job_queue.last_heartbeat()
    if not job_queue.living_workers():
        last = f" (last heartbeat {heartbeat:%Y-%m-%d %H:%M:%S %Z})" if heartbeat else ""
        raise Warned(f"No worker is running{last}. {job_queue.NO_WORKER}")
    if failed := job_queue.failed().count():
        raise Warned(f"Failed jobs: {failed}. The system page says why and runs them again.")
    return f"last heartbeat at {heartbeat:%Y-%m-%d %H:%M:%S %Z}"


def _partitions() -> str:
    connectivity.postgres_version()
    if missing := partitions.missing_months(timezone.now().date()):
        raise Warned(f"Missing partitions: {', '.join(missing)}. The worker creates them every hour: start it.")
    if calls := partitions.calls_in_default():
        count = f"{calls:,}" if calls < partitions.MOST_COUNTED else f"{calls:,} or more"
        raise Warned(f"Calls in the default partition: {count}. Check the clocks of all servers.")
    return f"ready to the end of {partitions.CALLS.months()[-1]:%B %Y}"


def _search() -> str:
    connectivity.postgres_version()
    for embedder in Embedder.objects.exclude(state=Embedder.State.RETIRED):
        if embedder.index_error:
            raise Warned(f"PostgreSQL cannot build the index of vectors: {embedder.index_error}. {NO_VECTOR_INDEX}")
        if embedder.error:
            raise Warned(f"The embedding provider fails: {embedder.error} Search uses words and the local embedder.")
    return "indexed" if not Change.objects.exists() else f"{Change.objects.count():,} changes waiting"


def _disk() -> str:
    try:
        usage = shutil.disk_usage(settings.DATA_DIR)
    except OSError as problem:
        raise Failed(f"{settings.DATA_DIR} cannot be read ({problem.strerror}): set AISTRALE_DATA_DIR.") from problem
    free = f"{usage.free / 2**30:,.1f} GB of {usage.total / 2**30:,.1f} GB are free"
    if full := disk.full_disk():
        raise Failed(f"The disk of {full} is full ({free}): make room, since nothing can be stored.")
    if usage.free < LEAST_FREE_BYTES:
        raise Warned(f"Only {free} where {settings.DATA_DIR} is: make room, or the database will stop.")
    return free


CHECKS: dict[str, Callable[[], str]] = {
    "AISTRALE": aistrale_version,
    "Python": _python,
    "Packages": _packages,
    "PostgreSQL": connectivity.postgres_version,
    "pgvector": connectivity.pgvector_version,
    "Redis": connectivity.redis_version,
    "Migrations": _migrations,
    "Master keys": _master_keys,
    "Data keys": _data_keys,
    "Audit key": _audit_key,
    "Audit log": _audit_log,
    "Worker": _worker,
    "Partitions": _partitions,
    "Search": _search,
    "Disk": _disk,
}
