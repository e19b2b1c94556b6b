"""Which runs are taken for dead: those of processes that hold their lock no more, by PostgreSQL's clock alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from inference.runs import process_lock
from inference.runs.finish import save_partials
from inference.runs.process_lock import PROCESS_ID, ProcessLock, connection_parameters
from inference.runs.start import RunRequest, start_run
from telemetry.models import Generation

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_PROCESS = PROCESS_ID ^ 1
SILENCE = 0.3


@pytest.fixture(autouse=True)
def _short_silence(settings: Settings) -> None:
    settings.RUN_SILENCE_SECONDS = SILENCE


@pytest.fixture
def lock() -> Iterator[ProcessLock]:
    """Held for longer than the silence that it judges by."""
    lock = ProcessLock()
    lock.hold()
    time.sleep(SILENCE + 0.1)
    yield lock
    lock.release()


def silent_run(user: User, *, process_id: int | None) -> UUID:
    form = RunRequest(provider="echo", model="echo", text="Hi", parent_id=None, client_id=uuid4())
    started = start_run(user=user, conversation_id=uuid4(), is_new=True, form=form)
    assert started is not None and started.order is not None
    run = Generation.objects.filter(pk=started.order.generation_id)
    run.update(process_id=process_id, heartbeat_at=Now() - timedelta(minutes=1))
    return started.order.generation_id


def connect() -> psycopg.Connection:
    return psycopg.connect(**connection_parameters(), autocommit=True)


def wait_for_the_lock_of(process_id: int) -> None:
    """PostgreSQL frees it soon after the session has ended."""
    with connect() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [process_lock._LOCK, process_id])
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [process_lock._LOCK, process_id])


def test_it_takes_a_silent_run_for_dead_when_its_process_holds_no_lock(alice: User, lock: ProcessLock) -> None:
    run = silent_run(alice, process_id=OTHER_PROCESS)
    assert lock.silent_runs() == [run]


def test_it_takes_no_run_for_dead_while_its_process_holds_its_lock(alice: User, lock: ProcessLock) -> None:
    run = silent_run(alice, process_id=OTHER_PROCESS)
    with connect() as owner:
        owner.execute(process_lock._HOLD, [process_lock._LOCK, OTHER_PROCESS])
        assert lock.silent_runs() == []
    wait_for_the_lock_of(OTHER_PROCESS)
    assert lock.silent_runs() == [run]


def test_it_does_not_mind_a_lock_of_that_name_in_another_database(alice: User, lock: ProcessLock) -> None:
    run = silent_run(alice, process_id=OTHER_PROCESS)
    with psycopg.connect(**connection_parameters() | {"dbname": "postgres"}) as elsewhere:
        elsewhere.execute(process_lock._HOLD, [process_lock._LOCK, OTHER_PROCESS])
        assert lock.silent_runs() == [run]


def test_it_goes_by_silence_alone_where_no_process_is_recorded(alice: User, lock: ProcessLock) -> None:
    run = silent_run(alice, process_id=None)
    assert lock.silent_runs() == [run]
    save_partials(partials=[], alive=[run])
    assert lock.silent_runs() == []


def test_it_counts_no_silence_from_before_it_was_connected(alice: User) -> None:
    run = silent_run(alice, process_id=OTHER_PROCESS)
    lock = ProcessLock()
    assert lock.silent_runs() == []
    time.sleep(SILENCE + 0.1)
    assert lock.silent_runs() == [run]
    lock.release()


def test_it_holds_its_lock_again_after_its_session_was_lost(alice: User, lock: ProcessLock) -> None:
    run = silent_run(alice, process_id=OTHER_PROCESS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [lock.hold().info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        lock.silent_runs()
    assert lock.silent_runs() == []
    assert _is_held(PROCESS_ID)
    time.sleep(SILENCE + 0.1)
    assert lock.silent_runs() == [run]


def _is_held(process_id: int) -> bool:
    with connect() as other:
        row = other.execute("SELECT pg_try_advisory_lock(%s, %s)", [process_lock._LOCK, process_id]).fetchone()
    return row == (False,)


@pytest.mark.fault
def test_clocks_that_are_wrong_neither_kill_runs_nor_keep_them_alive(
    alice: User, lock: ProcessLock, monkeypatch: pytest.MonkeyPatch, chance: Random
) -> None:
    """Neither the owner's nor the judge's."""
    wrong_by = timedelta(hours=chance.uniform(-24, 24))
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + wrong_by)
    silent, lively = (silent_run(alice, process_id=OTHER_PROCESS) for _ in range(2))
    save_partials(partials=[], alive=[lively])
    assert lock.silent_runs() == [silent]
    fresh = Generation.objects.filter(pk=lively, heartbeat_at__gt=Now() - timedelta(seconds=5))
    assert fresh.exists()
