from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from django.core.checks import Tags, run_checks
from django.db import transaction
from pytest_django import Settings

from accounts.actions import AccountsAction
from audit import checkpoint, checkpointer, services
from audit.models import AuditEvent
from audit.tests.conftest import new_key


@pytest.fixture
def endpoint() -> Iterator[HTTPServer]:
    """A server that keeps what it is sent in ``received`` and answers with ``status``."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    received.clear()
    status[0] = 204
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


received: list[bytes] = []
status = [204]


def append(count: int = 1) -> None:
    for _ in range(count):
        services.record(action=AccountsAction.USER_UPDATE, actor=None)


def written(directory: Path) -> list[int]:
    return [checkpoint.sequence_of(path) for path in checkpoint.files(directory)]


def test_it_signs_the_newest_entry(db: None, checkpoints: Path, settings: Settings) -> None:
    append(3)
    checkpointer.write_if_due()
    keys = [key.public_key() for key in checkpoint.read_keys(settings.AUDIT_KEYS)]
    (read,) = checkpoint.read(checkpoint.files(checkpoints), keys)
    assert (read.sequence, read.hash) == (3, AuditEvent.objects.get(pk=3).hash)
    assert read.chain == AuditEvent.objects.get(pk=1).hash


def test_it_writes_none_while_nothing_is_recorded(db: None, checkpoints: Path) -> None:
    assert checkpointer.write_if_due() is None


def test_it_writes_none_without_a_key(db: None, checkpoints: Path, settings: Settings) -> None:
    settings.AUDIT_KEYS = ""
    append()
    assert checkpointer.write_if_due() is None
    assert not checkpoints.exists()


def test_it_waits_for_entries_enough(db: None, checkpoints: Path, settings: Settings) -> None:
    settings.CHECKPOINT_ENTRIES = 3
    for _ in range(7):
        append()
        checkpointer.write_if_due()
    assert written(checkpoints) == [1, 4, 7]


def test_it_waits_no_longer_than_the_time_set(db: None, checkpoints: Path, settings: Settings) -> None:
    append()
    checkpointer.write_if_due()
    append()
    assert checkpointer.write_if_due() is None
    (path,) = checkpoint.files(checkpoints)
    os.utime(path, (0, path.stat().st_mtime - settings.CHECKPOINT_MINUTES * 60))
    checkpointer.write_if_due()
    assert written(checkpoints) == [1, 2]


def test_it_repeats_none_when_time_passes_without_entries(db: None, checkpoints: Path) -> None:
    append()
    checkpointer.write_if_due()
    (path,) = checkpoint.files(checkpoints)
    os.utime(path, (0, 0))
    assert checkpointer.write_if_due() is None


@pytest.mark.django_db(transaction=True)
def test_it_writes_one_when_enough_is_committed(checkpoints: Path, settings: Settings) -> None:
    settings.CHECKPOINT_ENTRIES = 2
    for _ in range(5):
        with transaction.atomic():
            append()
    assert written(checkpoints) == [2, 4]


@pytest.mark.django_db(transaction=True)
def test_it_lets_an_action_succeed_when_a_checkpoint_can_not_be_written(checkpoints: Path, settings: Settings) -> None:
    settings.CHECKPOINT_ENTRIES = 1
    checkpoints.write_text("not a directory")
    with transaction.atomic():
        append()
    assert AuditEvent.objects.count() == 1


def test_it_accepts_what_an_older_key_signed(db: None, checkpoints: Path, settings: Settings) -> None:
    append()
    checkpointer.write_if_due()
    settings.AUDIT_KEYS = f"{new_key()},{settings.AUDIT_KEYS}"
    keys = [key.public_key() for key in checkpoint.read_keys(settings.AUDIT_KEYS)]
    assert checkpoint.read(checkpoint.files(checkpoints), keys)[0].sequence == 1


def test_it_refuses_what_another_key_signed(db: None, checkpoints: Path) -> None:
    append()
    checkpointer.write_if_due()
    keys = [key.public_key() for key in checkpoint.read_keys(new_key())]
    with pytest.raises(checkpoint.CheckpointError, match="none of ours"):
        checkpoint.read(checkpoint.files(checkpoints), keys)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"chain": 1', "\x00"])
def test_it_refuses_a_damaged_checkpoint(text: str) -> None:
    with pytest.raises(checkpoint.CheckpointError, match="damaged"):
        checkpoint.parse(text, [])


@pytest.mark.parametrize("text", ["short", "c2hvcnQ=", "é" * 44])
def test_it_refuses_what_is_no_key(text: str) -> None:
    with pytest.raises(checkpoint.KeyFormatError):
        checkpoint.read_keys(text)


def test_it_refuses_to_run_with_what_is_no_key(settings: Settings) -> None:
    settings.AUDIT_KEYS = f"{new_key()},short"
    assert [message.id for message in run_checks(tags=[Tags.security]) if message.id == "audit.E001"] == ["audit.E001"]
    settings.AUDIT_KEYS = f"{new_key()},{new_key()}\n"
    assert not [message for message in run_checks(tags=[Tags.security]) if message.id == "audit.E001"]


def test_it_sends_each_checkpoint_once(db: None, checkpoints: Path, settings: Settings, endpoint: HTTPServer) -> None:
    settings.CHECKPOINT_URL = f"http://127.0.0.1:{endpoint.server_port}/"
    append()
    checkpointer.write_if_due()
    assert checkpointer.send_newest()
    assert not checkpointer.send_newest()
    assert [json.loads(body)["sequence"] for body in received] == [1]


def test_it_sends_a_refused_checkpoint_again(
    db: None, checkpoints: Path, settings: Settings, endpoint: HTTPServer
) -> None:
    settings.CHECKPOINT_URL = f"http://127.0.0.1:{endpoint.server_port}/"
    append()
    checkpointer.write_if_due()
    status[0] = 503
    with pytest.raises(httpx.HTTPStatusError):
        checkpointer.send_newest()
    status[0] = 200
    assert checkpointer.send_newest()


def test_it_sends_nothing_without_an_address(db: None, checkpoints: Path) -> None:
    append()
    checkpointer.write_if_due()
    assert not checkpointer.send_newest()
