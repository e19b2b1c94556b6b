"""When a child of an installation is started again, and when it is given up."""

from __future__ import annotations

import os
import signal
import time

import pytest

from aistrale import restarts
from aistrale.embedded import Child, ServerError
from aistrale.restarts import Crashed, Part
from aistrale.tests.processes import ended, wait_until

PAUSE = 0.05


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "PAUSES", (PAUSE, PAUSE))


def child(*command: str) -> Child:
    return Child("The child", command)


def replacing(*command: str, is_vital: bool = True) -> Part:
    """One that lives until it is killed, and whose successors run ``command``."""

    def start(before: Child) -> Child:
        before.stop(within=0)
        before.output.close()
        return child(*command)

    return Part(child("/bin/sleep", "60"), start, is_vital=is_vital)


def look_until_it_is_given_up(part: Part) -> list[str]:
    said: list[str] = []
    with pytest.raises(Crashed) as crash:
        while True:
            part.poll(said.append)
            time.sleep(0.01)
    return [*said, str(crash.value)]


def close(part: Part) -> None:
    part.child.stop(within=5)
    part.child.output.close()


def test_it_starts_again_what_was_killed() -> None:
    part = replacing("/bin/sleep", "60")
    killed = part.child.pid
    os.kill(killed, signal.SIGKILL)
    said: list[str] = []

    def runs_again() -> bool:
        part.poll(said.append)
        return part.child.pid != killed and part.child.exit_code is None

    wait_until(runs_again)
    close(part)
    assert said == [
        f"The child ended by itself (exit code -9). Starting it again in {PAUSE} s.",
        "The child was started again.",
    ]


def test_it_gives_up_what_ends_again_and_again() -> None:
    part = replacing("/bin/sh", "-c", "exit 3")
    os.kill(part.child.pid, signal.SIGKILL)
    said = look_until_it_is_given_up(part)
    close(part)
    assert said[-1] == (
        "The child ended by itself (exit code 3). It was given up after 2 new starts in a row, and everything else was "
        "stopped."
    )


def test_it_gives_up_what_cannot_be_started_and_says_why() -> None:
    def refuse(before: Child) -> Child:
        raise ServerError("There is no such program.")

    part = Part(child("/bin/sh", "-c", "exit 3"), refuse)
    said = look_until_it_is_given_up(part)
    close(part)
    assert said[-1].startswith("The child cannot be started: There is no such program. It was given up")


def test_it_begins_anew_with_what_has_run_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "STEADY_SECONDS", 0.0)
    part = replacing("/bin/sh", "-c", "exit 3")
    os.kill(part.child.pid, signal.SIGKILL)
    said: list[str] = []

    def has_been_started_often() -> bool:
        part.poll(said.append)
        return said.count("The child was started again.") > len(restarts.PAUSES) + 1

    wait_until(has_been_started_often)
    close(part)


def test_it_waits_for_as_long_as_it_may_not_start() -> None:
    part = replacing("/bin/sleep", "60")
    os.kill(part.child.pid, signal.SIGKILL)
    wait_until(lambda: part.child.exit_code is not None)
    said: list[str] = []
    for _ in range(5):
        part.poll(said.append, may_start=False)
        time.sleep(PAUSE)
    assert len(said) == 1
    part.poll(said.append)
    assert part.child.exit_code is None
    close(part)


def test_it_guards_anew_what_has_lost_its_guard() -> None:
    part = replacing("/bin/sleep", "60")
    guard = part.child._guard.pid
    os.kill(guard, signal.SIGKILL)

    def is_guarded_anew() -> bool:
        part.poll(lambda line: None)
        return part.child._guard.pid != guard and not ended(part.child._guard.pid)

    wait_until(is_guarded_anew)
    close(part)


def test_it_never_gives_up_what_is_not_vital() -> None:
    part = replacing("/bin/sh", "-c", "exit 3", is_vital=False)
    os.kill(part.child.pid, signal.SIGKILL)
    said: list[str] = []

    def has_been_started_often() -> bool:
        part.poll(said.append)
        return said.count("The child was started again.") > len(restarts.PAUSES) + 1

    wait_until(has_been_started_often)
    close(part)
