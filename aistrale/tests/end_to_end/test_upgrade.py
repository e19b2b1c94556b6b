"""The data of the last release, taken over while requests come: `make rehearse-upgrade`."""

from __future__ import annotations

import io
import os
import re
import secrets
import socket
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import httpx2
import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from aistrale.embedded import Child
from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, log_in_by_http, redis_url
from aistrale.tests.end_to_end.nginx import NGINX, answers, reconfigure, running_nginx
from aistrale.tests.end_to_end.prepared import prepared_database, url_of
from aistrale.tests.end_to_end.visitors import Visitor
from aistrale.tests.invariants import problems_of_site
from aistrale.tests.processes import drop, wait_until
from aistrale.tests.schema import schema

# 0.1.0
LAST_RELEASE = "abd0e59875d62e1b04cbf86292068215066e8928"
SECRET = "sk-of-the-last-release-7Ud2"
CALLS = 2000
# What a proxy waits for an answer, see deploy/nginx/locations.conf.
LONGEST_WAIT_SECONDS = 75
USER = """
from accounts.models import User
User.objects.create_user(email={email!r}, password={password!r}, role="administrator", name="Ada")
"""
SEED = """
import uuid
from telemetry.models import Generation, GenerationContent
call = Generation.objects.select_related("content").latest("started_at")
request, text = call.content.request, call.content.response_text
calls = []
for number in range({calls}):
    call.pk = uuid.uuid4()
    calls.append(Generation(**{{f.attname: getattr(call, f.attname) for f in Generation._meta.concrete_fields}}))
Generation.objects.bulk_create(calls)
GenerationContent.objects.bulk_create(
    GenerationContent(generation_id=call.pk, request=request, response_text=text) for call in calls
)
"""


def has_release() -> bool:
    command = ["git", "-C", str(settings.BASE_DIR), "cat-file", "-e", LAST_RELEASE]
    return subprocess.run(command, capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not NGINX, reason="There is no nginx."),
    pytest.mark.skipif(not has_release(), reason="There is no history: clone it with --unshallow."),
]


@dataclass(frozen=True)
class Installation:
    """The same database, keys and data directory, seen with the code of a version."""

    code: Path
    environment: dict[str, str]

    def manage(self, *command: str, stdin: str = "") -> str:
        program = [sys.executable, str(self.code / "manage.py"), *command]
        done = subprocess.run(program, input=stdin, env=self.environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def empty_database() -> Iterator[str]:
    """Its URL. There is nothing in it but the extension."""
    name = sql.Identifier(f"upgrade_{secrets.token_hex(4)}")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield url_of(name.as_string().strip('"'))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The last release, with a user, a provider key, answers and calls."""
    code, data = tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("data")
    archive = ["git", "-C", str(settings.BASE_DIR), "archive", LAST_RELEASE]
    with tarfile.open(fileobj=io.BytesIO(subprocess.run(archive, capture_output=True, check=True).stdout)) as files:
        files.extractall(code, filter="data")
    with empty_database() as database_url:
        environment = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url(),
            "AISTRALE_DATA_DIR": str(data),
            "AISTRALE_BEHIND_PROXY": "true",
            "AISTRALE_AUDIT_KEY": "Zm9yIHRlc3RzIG9ubHksIDMyIGJ5dGVzIGxvbmcuLi4=",
        }
        release = Installation(code, environment)
        release.manage("prepare")
        release.manage("shell", "-c", USER.format(email=ADMIN, password=PASSWORD))
        key = ("add_token", "--owner", ADMIN, "--provider", "openai", "--label", "Main", "--no-check")
        release.manage(*key, stdin=SECRET)
        release.manage("ask", "--user", ADMIN, "--provider", "echo", "--model", "echo", "What was asked before")
        release.manage("shell", "-c", SEED.format(calls=CALLS))
        release.manage("rotate_keys")
        yield release


@pytest.fixture(scope="module")
def dump_of_release(released: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("dump") / "release.dump"
    released.manage("dump", str(file))
    return file


@dataclass(frozen=True)
class Serving:
    port: int
    child: Child

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def takes_connections(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


@contextmanager
def serving(code: Path, environment: dict[str, str], *command: str) -> Iterator[Serving]:
    port = free_port()
    child = Child(
        "The web server",
        [sys.executable, str(code / "manage.py"), *command],
        environment=environment | {"PORT": str(port)},
        waits="--wait" in command,
    )
    reader = Thread(target=drop, args=[child.output])
    reader.start()
    try:
        yield Serving(port, child)
    finally:
        child.stop(within=30)
        reader.join()


@dataclass(frozen=True)
class Upgraded:
    url: str
    installation: Installation
    answers: Counter[str]
    longest_wait: float


@pytest.fixture(scope="module")
def upgraded(
    released: Installation, dump_of_release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    """This version in the place of the last one, by the steps of docs/operations.md, while people work with it."""
    port, directory = free_port(), tmp_path_factory.mktemp("proxy")
    released.environment["AISTRALE_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    with serving(released.code, released.environment, "serve") as old:
        wait_until(lambda: answers(old.url), 60)
        with running_nginx(directory, [old.url], port=port) as url:
            visitors = [Visitor(url, log_in_by_http(url, ADMIN)) for _ in range(3)]
            for visitor in visitors:
                visitor.start()
            time.sleep(3)
            with serving(settings.BASE_DIR, released.environment, "prepare", "--wait", "--serve") as new:
                wait_until(new.takes_connections, 60)
                reconfigure(directory, [new.url], port=port)
                time.sleep(1)
                old.child.stop(within=30)
                new.child.proceed()
                wait_until(lambda: answers(new.url), 120)
                time.sleep(3)
                found = sum((visitor.stop() for visitor in visitors), Counter[str]())
                longest = max(visitor.longest for visitor in visitors)
                yield Upgraded(url, Installation(settings.BASE_DIR, released.environment), found, longest)


def test_no_request_fails_while_the_data_of_the_last_release_is_migrated(upgraded: Upgraded) -> None:
    assert set(upgraded.answers) == {"200", "302"} and min(upgraded.answers.values()) > 20, upgraded.answers
    print(f"The longest wait was {upgraded.longest_wait:.1f} s.")
    assert upgraded.longest_wait < LONGEST_WAIT_SECONDS


def test_what_was_there_is_still_there(upgraded: Upgraded) -> None:
    with httpx2.Client(base_url=upgraded.url, cookies=log_in_by_http(upgraded.url, ADMIN), timeout=60) as client:
        conversations = re.findall(r'href="(/chat/[0-9a-f-]{36}/)', client.get("/chat/").text)
        assert "What was asked before" in client.get(conversations[0]).text
        calls = client.get("/telemetry/").text
        [first, *_] = re.findall(r'href="(/telemetry/[0-9a-f-]{36}/)', calls)
        assert "What was asked before" in client.get(first).text
    with psycopg.connect(upgraded.installation.environment["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM telemetry_generation").fetchone() == (CALLS + 1,)


def test_keys_decrypt_and_the_audit_log_is_right(upgraded: Upgraded) -> None:
    upgraded.installation.manage("rotate_keys", "--verify")
    upgraded.installation.manage("verify_audit")
    assert problems_of_site(upgraded.installation.environment, [SECRET]) == []


def test_its_schema_is_that_of_a_new_installation(upgraded: Upgraded, tmp_path: Path) -> None:
    with prepared_database(tmp_path) as new:
        assert schema(upgraded.installation.environment["DATABASE_URL"]) == schema(new)


def test_a_dump_of_the_last_release_is_restored_on_a_new_machine(
    released: Installation, dump_of_release: Path, tmp_path: Path
) -> None:
    with empty_database() as database_url:
        variables = {"DATABASE_URL": database_url, "AISTRALE_DATA_DIR": str(tmp_path / "data")}
        own = released.environment | variables | {"AISTRALE_PUBLIC_URL": "http://127.0.0.1"}
        machine = Installation(settings.BASE_DIR, own)
        machine.manage("restore", str(dump_of_release))
        with serving(machine.code, machine.environment, "prepare", "--serve") as new:
            wait_until(lambda: answers(new.url), 120)
            cookies = log_in_by_http(new.url, ADMIN)
            assert "What was asked before" in httpx2.get(f"{new.url}/telemetry/", cookies=cookies, timeout=60).text
        machine.manage("rotate_keys", "--verify")
        machine.manage("verify_audit")
