from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, User
from accounts.profile import api_keys
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db


def create(*arguments: str, user: str = "alice@example.org") -> str:
    printed = StringIO()
    call_command("create_api_key", "--user", user, "--name", "CI", *arguments, stdout=printed)
    return printed.getvalue()


def test_it_prints_both_halves_once_as_json(alice: User) -> None:
    printed = json.loads(create("--json"))
    assert printed.keys() == {"public_key", "secret_key"}
    key = api_keys.authenticate(printed["secret_key"], public=printed["public_key"])
    assert (key.user, key.label, key.expires_at) == (alice, "CI", None)
    assert key.scopes == ["prompts:read", "prompts:write"]


def test_it_prints_both_halves_for_people(alice: User) -> None:
    printed = create()
    assert ApiKey.objects.get().prefix in printed and "shown only once" in printed


def test_it_limits_what_the_key_may_do_and_how_long(alice: User) -> None:
    create("--scope", "prompts:read:support/", "--scope", "prompts:write", "--expires", "2099-12-31")
    key = ApiKey.objects.get()
    assert key.scopes == ["prompts:read:support/", "prompts:write"]
    assert key.expires_at == datetime(2099, 12, 31, 23, 59, 59, 999999, UTC)


def test_the_operator_is_recorded_to_have_made_it(alice: User) -> None:
    create()
    entry = AuditEvent.objects.get(action="accounts:api_key:create")
    assert (entry.actor, entry.owner, entry.source) == (None, alice.audit_id, "command")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--scope", "everything"], "is not a scope"),
        (["--expires", "tomorrow"], "is not a date"),
        (["--expires", "2001-01-01"], "has passed"),
        (["--name", " "], "1 to 80 characters"),
    ],
)
def test_it_refuses_what_makes_no_key(alice: User, arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        create(*arguments)
    assert not ApiKey.objects.exists()


def test_there_is_no_key_for_nobody(alice: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="no active user"):
        create()
