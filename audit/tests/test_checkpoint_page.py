from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditDetails, AuditEvent
from audit.tests.conftest import new_key

ClientOf = Callable[[User], Client]
PAGE = "/audit/checkpoints/"


def shown(client: Client) -> str:
    return client.get(PAGE).content.decode()


@pytest.fixture
def _triggers_disabled(log: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE audit_auditdetails DISABLE TRIGGER USER")


def test_it_shows_entry_time_key_and_that_the_log_agrees(log: Path, admin: User, client_of: ClientOf) -> None:
    page = shown(client_of(admin))
    key = (log / "checkpoint-000000000000006.json").read_text().partition('"key":"')[2][:16]
    assert page.count(">Yes<") == 2 and ">No<" not in page
    assert page.index("/audit/6/") < page.index("/audit/4/") and page.count(key) == 2


@pytest.mark.usefixtures("_triggers_disabled")
def test_it_shows_that_the_log_differs(log: Path, admin: User, client_of: ClientOf) -> None:
    AuditEvent.objects.filter(pk=4).update(hash="0" * 64)
    page = shown(client_of(admin))
    assert "the log differs" in page and page.count(">Yes<") == 1


@pytest.mark.usefixtures("_triggers_disabled")
def test_it_shows_that_the_log_ends_before_it(log: Path, admin: User, client_of: ClientOf) -> None:
    AuditDetails.objects.filter(pk__gt=4).delete()
    AuditEvent.objects.filter(pk__gt=4).delete()
    page = shown(client_of(admin))
    assert "the log ends before it" in page and "/audit/6/" not in page


def test_it_shows_what_is_not_signed_by_us(log: Path, admin: User, client_of: ClientOf, settings: Settings) -> None:
    settings.AUDIT_KEYS = new_key()
    (log / "checkpoint-000000000000006.json").write_text("{}")
    page = shown(client_of(admin))
    assert "none of ours" in page and "it is damaged" in page


def test_it_says_so_while_there_are_none(checkpoints: Path, admin: User, client_of: ClientOf) -> None:
    assert "No checkpoints yet" in shown(client_of(admin))


def test_it_keeps_others_out(client: Client, alice: User, client_of: ClientOf) -> None:
    assert client_of(alice).get(PAGE).status_code == 403
    assert client.get(PAGE)["Location"].startswith("/login/")


def test_it_refuses_other_methods(admin: User, client_of: ClientOf) -> None:
    assert client_of(admin).post(PAGE).status_code == 405


def test_it_is_linked_for_administrators_only(log: Path, admin: User, alice: User, client_of: ClientOf) -> None:
    assert PAGE in client_of(admin).get("/audit/").content.decode()
    assert PAGE not in client_of(alice).get("/audit/").content.decode()
