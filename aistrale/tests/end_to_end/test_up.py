from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from aistrale.embedded import DataDirectory, database_url
from aistrale.embedded.state import free_port
from aistrale.tests.processes import MANAGE, ended, lines_until, reachable_directory, wait_until

UP = [sys.executable, str(MANAGE), "up"]
UP_IMPATIENT = [
    *(sys.executable, "-c"),
    f"import sys; sys.argv = [{str(MANAGE)!r}, 'up']; from aistrale import restarts; restarts.PAUSES = (0.1, 0.1); "
    "import manage; manage.main()",
]
SERVERS = {
    "web": "manage.py prepare",
    "worker": "manage.py worker",
    "PostgreSQL": "/bin/postgres -D",
    "Valkey": "valkey-server",
}


class Installation:
    """`manage.py up` on a data directory and a port of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()

    def environment(self, **changes: str) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AISTRALE_") and name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
        }
        own = {"AISTRALE_ENV_FILE": os.devnull, "AISTRALE_DATA_DIR": str(self.directory), "PORT": str(self.port)}
        return inherited | own | changes

    def refusal(self, **changes: str) -> str:
        """What an attempt to start says when it is refused, on standard error."""
        result = subprocess.run(
            [sys.executable, str(MANAGE), "up"],
            env=self.environment(**changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert result.returncode == 1
        assert result.stdout == ""
        return result.stderr.strip()

    @contextmanager
    def running(
        self, until: str = "Set up the first administrator", command: Sequence[str] = UP
    ) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """The process, and what it printed until a line that begins so."""
        with subprocess.Popen(command, env=self.environment(), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                yield process, "".join(lines_until(until, iter(process.stdout.readline, "")))
            finally:
                process.terminate()

    def is_ready(self) -> bool:
        try:
            return self.get("/health/ready") == 200
        except OSError:
            return False

    def get(self, path: str) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status


def children_of(process: subprocess.Popen[Any]) -> dict[int, str]:
    """Number and command line of each that lives, without the shells that guard them."""
    listing = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    commands = {int(pid): command_of(pid) for pid in listing}
    return {pid: command for pid, command in commands.items() if command and not command.startswith("/bin/sh")}


def command_of(pid: str) -> str:
    """Empty where it has ended meanwhile."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def child_of(process: subprocess.Popen[Any], name: str) -> int:
    [pid] = [pid for pid, command in children_of(process).items() if SERVERS[name] in command]
    return pid


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """Started and stopped once."""
    with reachable_directory() as directory:
        installation = Installation(directory)
        with installation.running() as (_, output):
            assert "Created the master key m-" in output
        yield installation


@pytest.fixture
def new_installation(data_dir: Path) -> Installation:
    return Installation(data_dir)


@pytest.mark.smoke
def test_it_starts_from_nothing_and_offers_a_link_for_the_first_administrator(new_installation: Installation) -> None:
    with new_installation.running() as (_, output):
        assert f"AISTRALE is ready at http://127.0.0.1:{new_installation.port}\n" in output
        link = re.search(rf"http://127\.0\.0\.1:{new_installation.port}(/\S*setup/\S+)", output)
        assert link
        assert new_installation.get(link[1]) == 200
    for name in ("secret_key", "master_keys", "embedded.json"):
        assert stat.S_IMODE((new_installation.directory / name).stat().st_mode) == 0o600


def test_its_second_start_has_nothing_to_do_and_keeps_the_keys(installation: Installation) -> None:
    keys = (installation.directory / "master_keys").read_text()
    with installation.running() as (_, output):
        assert "Created" not in output
        assert "Applying" not in output
    assert (installation.directory / "master_keys").read_text() == keys


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_everything_when_told_to(installation: Installation, number: signal.Signals) -> None:
    with installation.running() as (process, _):
        pids = list(children_of(process))
        assert len(pids) == len(SERVERS)
        process.send_signal(number)
        assert process.wait(60) == 0
        assert all(ended(pid) for pid in pids)


@pytest.mark.fault
@pytest.mark.parametrize("name", SERVERS)
def test_it_starts_a_part_again_that_was_killed(installation: Installation, name: str, chance: Random) -> None:
    with installation.running() as (process, _):
        before = children_of(process)
        time.sleep(chance.uniform(0, 0.5))
        os.kill(child_of(process, name), signal.SIGKILL)
        wait_until(lambda: ended(next(pid for pid in before if SERVERS[name] in before[pid])))
        wait_until(lambda: len(children_of(process)) == len(SERVERS) and installation.is_ready())
        # Whatever was not killed is as it was.
        assert len(before.keys() & children_of(process).keys()) == len(SERVERS) - 1
        assert process.poll() is None


def test_it_gives_up_a_part_that_ends_again_and_again(installation: Installation) -> None:
    version = installation.directory / "postgres" / "PG_VERSION"
    content = version.read_text()
    with installation.running(command=UP_IMPATIENT) as (process, _):
        pids = list(children_of(process))
        version.write_text("damaged")
        os.kill(child_of(process, "PostgreSQL"), signal.SIGKILL)
        assert process.wait(60) == 1
        assert process.stdout is not None
        said = process.stdout.read()
    version.write_text(content)
    assert all(ended(pid) for pid in pids)
    assert "PostgreSQL ended by itself (exit code -9). Starting it again in 0.1 s.\n" in said
    assert "PostgreSQL cannot be started: PostgreSQL ended while it started: see postgresql.log" in said


def test_it_works_while_nothing_that_it_says_can_be_written(installation: Installation) -> None:
    with (
        Path("/dev/full").open("w") as full,
        subprocess.Popen(UP, env=installation.environment(), stdout=full, stderr=full, text=True) as process,
    ):
        try:
            wait_until(installation.is_ready, seconds=120)
            killed = child_of(process, "Valkey")
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: ended(killed))
            wait_until(lambda: len(children_of(process)) == len(SERVERS) and installation.is_ready(), seconds=60)
        finally:
            process.terminate()


def test_nothing_survives_its_own_sudden_death(installation: Installation) -> None:
    with installation.running() as (process, _):
        pids = list(children_of(process))
        process.kill()
        process.wait(10)
        wait_until(lambda: all(ended(pid) for pid in pids))


def test_it_starts_again_after_its_sudden_death(installation: Installation) -> None:
    with installation.running() as (process, _):
        process.kill()
    with installation.running():
        assert installation.get("/health/ready") == 200


def test_it_is_ready_only_when_the_runs_of_its_sudden_death_have_ended(installation: Installation) -> None:
    manage = [sys.executable, str(MANAGE)]
    make_user = ["shell", "-v", "0", "-c", "from accounts.models import User; User.objects.create_user('r@x.example')"]
    ask = ["ask", "--user", "r@x.example", "--provider", "echo", "--model", "echo", "Say something long. " * 200]
    with installation.running() as (process, _):
        subprocess.run([*manage, *make_user], env=installation.environment(), check=True)
        with subprocess.Popen([*manage, *ask], env=installation.environment(), stdout=subprocess.PIPE) as run:
            assert run.stdout is not None and run.stdout.read(1)
            process.kill()
            run.kill()
    with installation.running(), psycopg.connect(database_url(installation.directory)) as connection:
        assert connection.execute("SELECT status FROM telemetry_generation").fetchall() == [("interrupted",)]


def test_it_names_a_damaged_file_and_what_to_do(new_installation: Installation) -> None:
    path = new_installation.directory / "embedded.json"
    path.write_text("{half of it")
    assert new_installation.refusal() == (
        f"Settings: {path} is damaged. It holds ports and passwords of the embedded servers: restore it from a backup, "
        "or move the whole directory away to start anew."
    )


def test_it_makes_no_master_key_when_it_refuses_to_start(new_installation: Installation) -> None:
    (new_installation.directory / "postgres").mkdir()
    assert "exists but" in new_installation.refusal()
    assert not (new_installation.directory / "master_keys").exists()


def test_it_names_a_taken_port(new_installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", new_installation.port)):
        error = new_installation.refusal()
    assert error == (
        f"CommandError: Cannot listen on 127.0.0.1:{new_installation.port} (Address already in use): "
        "stop what uses it, or set PORT."
    )
    assert list(new_installation.directory.iterdir()) == []


def test_it_names_a_data_directory_that_another_process_uses(new_installation: Installation) -> None:
    directory = DataDirectory(new_installation.directory)
    error = new_installation.refusal()
    directory.release()
    assert re.fullmatch(
        r"CommandError: \S+ is used by another process \(\d+\): stop it or set AISTRALE_DATA_DIR\.", error
    )


def test_it_names_a_data_directory_that_cannot_be_written(new_installation: Installation) -> None:
    (new_installation.directory / "file").touch()
    error = new_installation.refusal(AISTRALE_DATA_DIR=str(new_installation.directory / "file" / "data"))
    assert error.startswith(f"CommandError: Cannot create {new_installation.directory}/file/data (")
    assert error.endswith("): make it writable or choose another one.")


@pytest.mark.parametrize(
    ("name", "scheme", "server"), [("DATABASE_URL", "postgres", "PostgreSQL"), ("REDIS_URL", "redis", "Redis")]
)
def test_it_names_a_given_server_that_is_out_of_reach(
    new_installation: Installation, name: str, scheme: str, server: str
) -> None:
    error = new_installation.refusal(**{name: f"{scheme}://someone:planted-password@127.0.0.1:{free_port()}/0"})
    assert error.startswith(f"CommandError: {server} is out of reach (")
    assert error.endswith(f"): start it, or set {name} to one that runs.")
    assert "planted-password" not in error
    assert len(error.splitlines()) == 1
    assert list(new_installation.directory.iterdir()) == []


def test_it_names_a_setting_that_it_cannot_read(new_installation: Installation) -> None:
    assert "PORT" in new_installation.refusal(PORT="eighty")
