"""The worker as a process: told to stop, killed, and without its database for a while."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.prepared import prepared_database
from aistrale.tests.end_to_end.site_runs import database_away, until
from aistrale.tests.processes import running_worker

SLOW = "audit.tasks.send_checkpoint"
DEFER = """
INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', 'tokens.tasks.rotate_keys') RETURNING id
"""


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that takes what it is sent and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path, silent_server: int) -> Iterator[dict[str, str]]:
    """Of workers whose jobs that send checkpoints take ten seconds."""
    with prepared_database(tmp_path) as database_url:
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "checkpoint-000000000000001.json").write_text("{}")
        yield os.environ | {
            "DATABASE_URL": database_url,
            "AISTRALE_DATA_DIR": str(tmp_path),
            "AISTRALE_CHECKPOINT_URL": f"http://127.0.0.1:{silent_server}/",
        }


def ask(environment: dict[str, str], query: str, *values: object) -> list[Any]:
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def slow_jobs(environment: dict[str, str]) -> list[Any]:
    """Status and attempts of each."""
    return ask(environment, "SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = %s", SLOW)


def is_done(environment: dict[str, str], job_id: int) -> bool:
    return ask(environment, "SELECT status::text FROM procrastinate_jobs WHERE id = %s", job_id) == [("succeeded",)]


def wait_for_slow_job(environment: dict[str, str]) -> None:
    until(lambda: slow_jobs(environment) == [("doing", 0)])


def test_it_gives_what_does_not_end_back_when_it_is_told_to_stop(environment: dict[str, str]) -> None:
    with running_worker(environment) as child:
        wait_for_slow_job(environment)
        child.ask_to_stop()
        until(lambda: child.exit_code is not None, within=9)
    assert child.exit_code == 0
    assert slow_jobs(environment) == [("todo", 1)]


def test_another_takes_over_what_a_killed_one_did(environment: dict[str, str]) -> None:
    with running_worker(environment) as child:
        wait_for_slow_job(environment)
        os.kill(child.pid, signal.SIGKILL)
    assert slow_jobs(environment) == [("doing", 0)]
    # As after half a minute.
    ask(environment, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    with running_worker(environment):
        until(lambda: ("todo", 1) in slow_jobs(environment), within=90)


def test_it_goes_on_when_its_database_is_back(environment: dict[str, str]) -> None:
    with running_worker(environment) as child:
        wait_for_slow_job(environment)
        with database_away(Site("", None, environment, child)):
            time.sleep(5)
        [(job_id,)] = ask(environment, DEFER)
        until(lambda: is_done(environment, job_id))
        assert child.exit_code is None
