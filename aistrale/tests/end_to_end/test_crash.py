"""What is left of a run when its server dies, and when it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import psycopg
import pytest

from aistrale.tests.end_to_end import site_runs
from aistrale.tests.end_to_end.browser import (
    ADMIN,
    PASSWORD,
    Site,
    add_administrator,
    log_in_by_http,
    running_site,
)
from aistrale.tests.end_to_end.site_runs import STARTED, chat_socket, database_away, ended, generation, streaming, until
from aistrale.tests.invariants import problems_of_site
from aistrale.tests.processes import MANAGE

QUESTION = [
    *("ask", "--user", ADMIN, "--provider", "echo", "--model", "echo"),
    "Say something long, please. " * 60,
]

TEXTS = """
SELECT status, length(text) FROM telemetry_generation g JOIN inference_message m ON m.generation_id = g.id
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path) as site:
        add_administrator(site)
        yield site


def ask(site: Site) -> subprocess.Popen[bytes]:
    """A run in a process of its own, along the same path as a page's."""
    return subprocess.Popen([sys.executable, MANAGE, *QUESTION], env=site.environment, stdout=subprocess.PIPE)


def saved_text(site: Site) -> str | None:
    row = generation(site)
    return row[1] if row else None


def test_it_keeps_the_text_of_a_run_whose_process_is_killed(site: Site) -> None:
    process = ask(site)
    until(lambda: saved_text(site))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = saved_text(site) or ""
    status, text, error_type = until(lambda: (row := generation(site)) and row[0] != "running" and row)

    assert (status, error_type) == ("interrupted", "interrupted")
    assert text.startswith(kept)


def test_it_loses_at_most_two_seconds_of_text(site: Site) -> None:
    process = ask(site)
    assert process.stdout is not None
    received = b""
    until(lambda: saved_text(site))
    os.set_blocking(process.stdout.fileno(), False)
    deadline = time.monotonic() + 3
    two_seconds_ago = b""
    while time.monotonic() < deadline:
        received += process.stdout.read() or b""
        if time.monotonic() < deadline - 2:
            two_seconds_ago = received
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert (saved_text(site) or "").startswith(two_seconds_ago.decode().rstrip("\n"))


def test_it_saves_and_names_what_a_stop_signal_interrupts(site: Site) -> None:
    process = ask(site)
    until(lambda: saved_text(site))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    row = generation(site)

    assert process.returncode == 1
    assert row is not None and row[0] == "stopped" and row[1]


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_leaves_everything_sound(site: Site, number: signal.Signals, chance: Random) -> None:
    """At some moment of an answer."""
    process = ask(site)
    until(lambda: saved_text(site))
    time.sleep(chance.uniform(0, 1))
    process.send_signal(number)
    process.communicate(timeout=20)
    until(lambda: (row := generation(site)) and row[0] != "running")

    assert problems_of_site(site.environment, [PASSWORD]) == []


def test_it_saves_what_is_streaming_when_the_server_is_stopped(tmp_path: Path) -> None:
    with running_site(tmp_path, AISTRALE_RUN_DRAIN_SECONDS="0.2") as site:
        add_administrator(site)
        with streaming(site):
            site.server.stop(within=15)
        row = generation(site)

    assert row is not None and row[0] == "interrupted" and row[1]


def test_it_saves_fifty_answers_that_are_streaming_when_the_server_is_told_to_stop(tmp_path: Path) -> None:
    limits = {"AISTRALE_LIMIT_OPEN_RUNS": "60", "AISTRALE_LIMIT_RUNS_PER_MINUTE": "0", "AISTRALE_LIMIT_SOCKETS": "60"}
    with running_site(tmp_path, AISTRALE_RUN_DRAIN_SECONDS="1", **limits) as site, ExitStack() as tabs:
        add_administrator(site)
        cookies = log_in_by_http(site.url, ADMIN)
        for _ in range(50):
            site_runs.ask(tabs.enter_context(chat_socket(site, cookies)), until_text=STARTED)
        site.server.stop(within=25)
        assert site.server.exit_code == 0
        with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
            rows = connection.execute(TEXTS).fetchall()
    assert Counter(status for status, _ in rows) == {"interrupted": 50}
    assert min(length for _, length in rows) > 0


def test_it_stops_a_run_after_the_last_tab_is_closed(tmp_path: Path) -> None:
    with running_site(tmp_path, AISTRALE_RUN_GRACE_SECONDS="0.5") as site:
        add_administrator(site)
        with streaming(site):
            pass
        row = until(lambda: (row := generation(site)) and row[0] != "running" and row, within=10)

    assert (row[0], row[2]) == ("stopped", "unwatched")


# Another process of the installation, which looks for dead runs all the time.
JUDGE = """
import asyncio, django
django.setup()
from inference.runs import active as runs
runs.SWEEP_SECONDS = 0.1
async def judge():
    await runs.Runs().open()
    print("judging", flush=True)
    await asyncio.Event().wait()
asyncio.run(judge())
"""


@contextmanager
def judge(site: Site) -> Iterator[None]:
    environment = site.environment | {"DJANGO_SETTINGS_MODULE": "aistrale.settings"}
    with subprocess.Popen([sys.executable, "-c", JUDGE], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"judging\n"
        yield
        process.kill()


@pytest.fixture
def judged_site(tmp_path: Path) -> Iterator[Site]:
    """With another process beside it, which takes runs for dead as soon as it may."""
    with running_site(tmp_path, AISTRALE_RUN_SILENCE_SECONDS="0.5") as site:
        add_administrator(site)
        with judge(site):
            yield site


@pytest.mark.fault
def test_it_takes_no_run_for_dead_whose_process_was_late(judged_site: Site, chance: Random) -> None:
    with streaming(judged_site, length=100):
        until(lambda: generation(judged_site))
        os.kill(judged_site.server.pid, signal.SIGSTOP)
        time.sleep(chance.uniform(1.5, 3))
        status_meanwhile = (generation(judged_site) or ("",))[0]
        os.kill(judged_site.server.pid, signal.SIGCONT)
        row = ended(judged_site)

    assert (status_meanwhile, row[0], row[2]) == ("running", "succeeded", "")
    assert problems_of_site(judged_site.environment, [PASSWORD]) == []


@pytest.mark.fault
def test_it_interrupts_the_runs_of_a_killed_server_with_their_text(judged_site: Site, chance: Random) -> None:
    with streaming(judged_site):
        time.sleep(chance.uniform(0, 1))
        os.kill(judged_site.server.pid, signal.SIGKILL)
        row = ended(judged_site)

    assert (row[0], row[2]) == ("interrupted", "interrupted")
    assert row[1]


@pytest.mark.fault
def test_it_stores_the_result_when_the_database_was_away_at_the_end(judged_site: Site, chance: Random) -> None:
    with streaming(judged_site, length=40):
        time.sleep(chance.uniform(0, 0.5))
        with database_away(judged_site):
            time.sleep(2)
        # The other process, which waits no time for a sign of life, may have taken the run for dead meanwhile.
        row = until(lambda: (row := generation(judged_site)) and row[0] not in ("running", "interrupted") and row)

    assert (row[0], row[2]) == ("succeeded", "")
    assert len(row[1].split()) >= 40
    assert problems_of_site(judged_site.environment, [PASSWORD]) == []
