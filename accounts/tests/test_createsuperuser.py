from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import Role, User
from audit.models import AuditEvent


@pytest.fixture
def printed(db: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the command says when it has made ada@example.org."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "an engine that weaves")
    output = StringIO()
    call_command("createsuperuser", "--noinput", email="Ada@Example.org", stdout=output)
    return output.getvalue()


def test_it_makes_an_administrator_and_says_where_to_log_in(printed: str) -> None:
    user = User.objects.get()
    assert (user.email, user.role) == ("ada@example.org", Role.ADMINISTRATOR)
    assert printed.startswith("ada@example.org is an administrator now and can log in at http")
    assert len(printed.splitlines()) == 1


@pytest.mark.usefixtures("printed")
def test_it_records_whom_it_made() -> None:
    event = AuditEvent.objects.get()
    assert (event.action, event.source, event.actor) == ("accounts:user:create", "command", None)
    assert event.after == {"role": "administrator", "is_active": True}
    assert "ada" not in str(event.after).lower()
