"""Each kind of action leaves exactly one entry, with time, actor, role, address, request id, object and outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.actions import AccountsAction
from accounts.models import User
from aistrale.tests.declared import declared
from audit.actions import actions
from audit.models import AuditEvent
from audit.tests.scene import Acts, Scene

MODULES = declared("acts")
ACTS: Acts = {name: act for module in MODULES for name, act in module.ACTS.items()}
OUTCOMES = {AccountsAction.ACCESS_DENIED: "denied", AccountsAction.SESSION_LOGIN_FAILED: "failed"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene(
    alice: User, admin: User, confirmed_client_of: Callable[[User], Client], settings: Settings, fake_checker: None
) -> Scene:
    scene = Scene(alice, admin, confirmed_client_of(alice), confirmed_client_of(admin), settings)
    for module in MODULES:
        getattr(module, "prepare", lambda scene: None)(scene)
    return scene


@pytest.mark.parametrize("kind", ACTS)
def test_it_leaves_exactly_one_entry_of_each_action(kind: str, scene: Scene) -> None:
    act, expected = ACTS[kind]
    before = AuditEvent.objects.count()
    act(scene)
    entries = list(AuditEvent.objects.filter(sequence__gt=before))
    assert sorted(entry.action for entry in entries) == sorted(expected)
    for entry in entries:
        assert abs(datetime.now(UTC) - entry.timestamp) < timedelta(minutes=1)
        assert entry.outcome == OUTCOMES.get(entry.action, "success")
        assert (entry.actor is None) == (entry.role == "")


def test_there_is_no_kind_of_action_without_a_test() -> None:
    tests = "".join(path.read_text() for path in settings.BASE_DIR.glob("[a-z]*/**/tests/**/*.py"))
    assert [action for action in actions() if f"Action.{action.name}" not in tests and action not in tests] == []


@pytest.mark.parametrize("kind", ["denial of an action", "token tested and replaced"])
def test_it_tells_who_from_where_and_by_which_request(kind: str, scene: Scene) -> None:
    answer = ACTS[kind][0](scene)
    entry = AuditEvent.objects.select_related("details").latest("sequence")
    assert (entry.actor, entry.role, entry.source) == (scene.alice.audit_id, "engineer", "web")
    assert entry.details.personal["address"] == "127.0.0.1"
    assert isinstance(answer, HttpResponse) and entry.request_id == answer["X-Request-ID"]


def test_it_names_the_page_that_was_denied_and_no_secret_in_its_address(scene: Scene) -> None:
    scene.as_alice.get("/tokens/keys/")
    entry = AuditEvent.objects.select_related("details").latest("sequence")
    assert (entry.details.personal["method"], entry.details.personal["page"]) == ("GET", "tokens/keys/")


def test_it_refuses_although_the_denial_cannot_be_recorded(scene: Scene) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    try:
        assert scene.as_alice.get("/tokens/keys/").status_code == 403
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditevent DROP CONSTRAINT full_disk")
