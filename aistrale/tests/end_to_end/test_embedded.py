from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from aistrale.embedded import DataDirectory, ServerError, Servers, database_url, paths, redis_url
from aistrale.embedded.process import Child, command_of
from aistrale.tests.processes import ended, reachable_directory, wait_until

START_AND_WAIT = """
import sys, time
from pathlib import Path
from aistrale.embedded import Servers
servers = Servers(Path(sys.argv[1]), throwaway=True)
servers.start()
print(*(child.pid for child in servers.children), flush=True)
time.sleep(60)
"""


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port


@pytest.fixture(scope="module")
def standing_dir() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def standing(standing_dir: Path) -> Iterator[Servers]:
    """For tests that only look at them."""
    servers = Servers(standing_dir)
    servers.start()
    yield servers
    servers.stop()


@pytest.fixture
def servers(data_dir: Path) -> Iterator[Servers]:
    servers = Servers(data_dir)
    servers.start()
    yield servers
    servers.stop()


def test_it_has_no_address_before_its_first_start(tmp_path: Path) -> None:
    assert (database_url(tmp_path), redis_url(tmp_path)) == ("", "")


def test_it_gives_a_database_with_vectors_to_a_role_that_is_no_superuser(standing: Servers, standing_dir: Path) -> None:
    with psycopg.connect(database_url(standing_dir)) as connection:
        row = connection.execute(
            "SELECT '[1,2]'::vector <-> '[1,4]', rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (2.0, False, False)


def test_it_keeps_data_ports_and_passwords_from_start_to_start(servers: Servers, data_dir: Path) -> None:
    addresses = (database_url(data_dir), redis_url(data_dir))
    with psycopg.connect(addresses[0]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with redis.Redis.from_url(addresses[1]) as client:
        client.set("kept", "8")
    servers.stop()
    servers.start()
    with psycopg.connect(addresses[0]) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    with redis.Redis.from_url(addresses[1]) as client:
        assert client.get("kept") == b"8"


def test_it_asks_for_the_passwords(standing: Servers, standing_dir: Path) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database_url(standing_dir), password="wrong", connect_timeout=5)
    client = redis.Redis(port=port_of(redis_url(standing_dir)), password="wrong")
    with client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_it_listens_on_one_address_only(standing: Servers, standing_dir: Path) -> None:
    for url in (database_url(standing_dir), redis_url(standing_dir)):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port_of(url)), timeout=5)


def test_it_hides_passwords_from_other_users(standing: Servers, standing_dir: Path) -> None:
    assert stat.S_IMODE((standing_dir / "embedded.json").stat().st_mode) == 0o600
    secret = redis_url(standing_dir).partition("@")[0].rpartition(":")[2]
    assert not any(secret in command_of(child.pid) for child in standing.children)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has another account to use.")
def test_it_does_not_run_as_root(standing: Servers) -> None:
    owners = {Path(f"/proc/{child.pid}").stat().st_uid for child in standing.children}
    assert 0 not in owners


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs the servers as another account.")
def test_it_leaves_directories_that_are_not_its_own_alone(standing: Servers, standing_dir: Path) -> None:
    assert standing_dir.stat().st_uid == 0
    assert stat.S_IMODE(standing_dir.stat().st_mode) == 0o711


def test_it_starts_after_both_servers_were_killed(servers: Servers, data_dir: Path) -> None:
    with psycopg.connect(database_url(data_dir)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    for child in servers.children:
        os.kill(child.pid, signal.SIGKILL)
    again = Servers(data_dir)
    again.start()
    try:
        with psycopg.connect(database_url(data_dir)) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        again.stop()


def test_it_is_not_misled_by_a_pid_file_that_names_another_process(data_dir: Path) -> None:
    servers = Servers(data_dir, throwaway=True)
    servers.start()
    pid_file = data_dir / "postgres" / "postmaster.pid"
    content = pid_file.read_text()
    servers.stop()
    # The recorded number now belongs to a process of the same account that is no server.
    bystander = Child("Bystander", ["/bin/sleep", "60"])
    try:
        pid_file.write_text(content.replace(content.split("\n", 1)[0], str(bystander.pid), 1))
        servers.start()
        servers.stop()
        assert bystander.exit_code is None
    finally:
        bystander.stop(within=5)
        bystander.output.close()


def test_it_takes_over_from_servers_that_were_left_behind(servers: Servers, data_dir: Path) -> None:
    left_behind = [child.pid for child in servers.children]
    successor = Servers(data_dir)
    successor.start()
    try:
        assert all(ended(pid) for pid in left_behind)
        assert redis.Redis.from_url(redis_url(data_dir)).ping()
    finally:
        successor.stop()


def test_it_moves_to_another_port_when_its_own_is_taken(data_dir: Path) -> None:
    servers = Servers(data_dir, postgres=False, throwaway=True)
    servers.start()
    before = redis_url(data_dir)
    servers.stop()
    with socket.create_server(("127.0.0.1", port_of(before))):
        servers.start()
    servers.stop()
    assert redis_url(data_dir) != before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_its_servers_end_with_the_process_that_started_them(data_dir: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", START_AND_WAIT, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(number)
    assert len(pids) == 2
    wait_until(lambda: all(ended(pid) for pid in pids))


def test_it_refuses_a_second_process_on_one_directory(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with pytest.raises(ServerError, match=f"used by another process .{os.getpid()}."):
        DataDirectory(tmp_path)
    directory.release()
    DataDirectory(tmp_path).release()


def test_it_names_a_directory_that_it_cannot_create(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="Cannot create .*/file/data"):
        DataDirectory(tmp_path / "file" / "data")


def test_it_does_not_start_anew_beside_data_whose_password_is_lost(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    with pytest.raises(ServerError, match=r"embedded\.json does not"):
        Servers(data_dir).start()


def test_it_finds_its_data_in_a_directory_that_was_moved(servers: Servers, data_dir: Path) -> None:
    with redis.Redis.from_url(redis_url(data_dir)) as client:
        client.set("kept", "8")
    servers.stop()
    moved = data_dir / "moved"
    moved.mkdir(mode=0o711)
    for path in [path for path in data_dir.iterdir() if path != moved]:
        path.rename(moved / path.name)
    again = Servers(moved)
    again.start()
    try:
        with redis.Redis.from_url(redis_url(moved)) as client:
            assert client.get("kept") == b"8"
    finally:
        again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs the servers as another account.")
def test_it_keeps_data_elsewhere_when_the_servers_cannot_reach_the_directory(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "SYSTEM_PLACE", data_dir / "system")
    private = data_dir / "private"
    private.mkdir(mode=0o700)
    servers = Servers(private, throwaway=True)
    servers.start()
    servers.stop()
    assert not (private / "postgres").exists()
    assert len(list(data_dir.glob("system/data-*/postgres/PG_VERSION"))) == 1
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
