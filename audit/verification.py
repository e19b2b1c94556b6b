"""Verifying the log where it is stored: whole for a command, slice by slice for the server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit import chain, checkpoint
from audit.actions import AuditAction
from audit.models import AuditEvent, AuditVerification

SLICE = 20_000
_BATCH = 1_000
_NO_END = 2**63 - 1
# An advisory lock no other part takes: "verif" in ASCII.
_LOCK = 0x7665726966
_CURSOR = "audit_entries"
# As `ChainEntry._make`, which counts the values of each row.
_entry = partial(tuple.__new__, chain.ChainEntry)
_ENTRIES = """
SELECT e.sequence, e.previous_hash, e.hash, e.body, d.salt, d.content
FROM audit_auditevent e LEFT JOIN audit_auditdetails d ON d.event_id = e.sequence
WHERE e.sequence > %s AND e.sequence <= %s ORDER BY e.sequence
"""


def stored_entries(*, after: int = 0, until: int = _NO_END) -> Generator[chain.ChainEntry]:
    """The stored entries with ``after < sequence <= until``, from a server-side cursor: to be read in a transaction.

    While one batch is worked on, PostgreSQL already prepares the next.
    """
    connection.ensure_connection()
    # Not Django's cursor: the binary protocol takes two thirds of the time.
    with psycopg.ServerCursor(connection.connection, _CURSOR) as cursor, ThreadPoolExecutor(1) as ahead:
        cursor.execute(_ENTRIES, [after, until], binary=True)
        rows = cursor.fetchmany(_BATCH)
        while rows:
            following = ahead.submit(cursor.fetchmany, _BATCH)
            yield from map(_entry, rows)
            rows = following.result()


def verify_stored(
    *,
    after: int = 0,
    previous_hash: str = chain.GENESIS,
    until: int = _NO_END,
    heads: Mapping[int, str],
    watch: Callable[[Iterable[chain.ChainEntry]], Iterable[chain.ChainEntry]] = iter,
) -> chain.VerificationResult:
    """Verifies the stored entries with ``after < sequence <= until`` against each other and against ``heads``.

    ``watch`` passes the entries on as they are read, to show progress.
    """
    with transaction.atomic(), closing(stored_entries(after=after, until=until)) as entries:
        return chain.verify(
            watch(entries),
            sequence=after,
            previous_hash=previous_hash,
            heads={sequence: digest for sequence, digest in heads.items() if after < sequence <= until},
            erased=_erased_people(),
        )


def verify_from(
    first: int,
    *,
    heads: Mapping[int, str],
    watch: Callable[[Iterable[chain.ChainEntry]], Iterable[chain.ChainEntry]] = iter,
) -> chain.VerificationResult:
    """Verifies entry ``first`` and all after it; believes the hash of the entry before, unless a checkpoint knows it.

    For commands: the process has little time for other threads meanwhile.
    """
    after = first - 1
    before = heads.get(after) or AuditEvent.objects.filter(pk=after).values_list("hash", flat=True).first()
    if after and before is None:
        return chain.VerificationResult(after - 1, "", violation=chain.Violation(after, "it is missing"))
    with _switching_threads_often():
        return verify_stored(after=after, previous_hash=before or chain.GENESIS, heads=heads, watch=watch)


def show_on_pages(result: chain.VerificationResult) -> None:
    """Replaces what the pages tell of the log by the result of a verification of all of it."""
    with transaction.atomic():
        _store(AuditVerification(), result)


@contextmanager
def _switching_threads_often() -> Iterator[None]:
    """Rows that have arrived wait for the interpreter; by default for longer than a batch takes to verify."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def verify_next_slice(size: int = SLICE) -> AuditVerification:
    """Verifies up to ``size`` entries not yet verified, then again as many of those that were.

    Stops at a problem, which stays until ``verify_audit`` finds the log right. Of several processes one works.
    """
    with transaction.atomic():
        state = AuditVerification.objects.first() or AuditVerification()
        if state.problem or not _locked():
            return state
        result = _vanished(state) or _verify_slice(state.sequence, state.hash, size)
        if result.violation is None:
            state.sequence, state.hash = result.sequence, result.hash
            result = _verify_slice(state.again_sequence, state.again_hash, size)
        _begin_again(state, result, round_ended=result.entries < size)
        return _store(state, result)


def known_heads(directory: Path, *, after: int = 0, until: int | None = None) -> dict[int, str]:
    """The hashes in the checkpoints of ``directory``. Raises CheckpointError if one of them is not as we wrote it."""
    keys = [key.public_key() for key in checkpoint.read_keys(settings.AUDIT_KEYS)]
    return checkpoint.heads(checkpoint.read(checkpoint.files(directory, after=after, until=until), keys))


def _verify_slice(after: int, previous_hash: str, size: int) -> chain.VerificationResult:
    until = after + size
    try:
        heads = known_heads(settings.CHECKPOINT_DIR, after=after, until=until)
    except checkpoint.CheckpointError as error:
        return chain.VerificationResult(after, previous_hash, violation=chain.Violation(after + 1, str(error)))
    return verify_stored(after=after, previous_hash=previous_hash, until=until, heads=heads)


def _vanished(state: AuditVerification) -> chain.VerificationResult | None:
    if not state.sequence or AuditEvent.objects.filter(pk=state.sequence, hash=state.hash).exists():
        return None
    violation = chain.Violation(state.sequence, "it is gone or was replaced since it was verified")
    return chain.VerificationResult(state.sequence, state.hash, violation=violation)


def _begin_again(state: AuditVerification, result: chain.VerificationResult, *, round_ended: bool) -> None:
    state.again_sequence = 0 if round_ended else result.sequence
    state.again_hash = chain.GENESIS if round_ended else result.hash


def _store(state: AuditVerification, result: chain.VerificationResult) -> AuditVerification:
    if result.sequence > state.sequence:
        state.sequence, state.hash = result.sequence, result.hash
    if result.violation:
        state.problem_sequence, state.problem = result.violation.sequence, result.violation.reason
    state.pk = 1
    state.verified_at = timezone.now()
    state.save()
    return state


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _erased_people() -> set[str]:
    people = AuditEvent.objects.filter(action=AuditAction.DETAILS_ERASE).values_list("owner", flat=True)
    return {str(person) for person in people}
