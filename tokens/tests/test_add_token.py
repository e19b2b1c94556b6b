from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.sharing import EVERYONE
from audit.models import AuditEvent
from tokens import services
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.tests.conftest import SECRET

pytestmark = pytest.mark.usefixtures("fake_checker")


def add(monkeypatch: pytest.MonkeyPatch, secret: str, *extra: str, owner: str = "alice@example.org") -> str:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{secret}\n"))
    out = io.StringIO()
    call_command("add_token", "--owner", owner, "--provider", "groq", "--label", "Team", *extra, stdout=out)
    return out.getvalue()


def test_it_adds_a_tested_token(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    words = add(monkeypatch, SECRET)
    token = ProviderToken.objects.get()
    assert (token.owner, token.provider, token.state) == (alice, "groq", TokenState.WORKING)
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET
    assert "Groq: Team" in words and SECRET not in words


def test_it_records_the_operator(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    add(monkeypatch, SECRET)
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.actor, event.source) == ("tokens:token:add", None, "command")


def test_it_saves_nothing_that_is_refused(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    with pytest.raises(CommandError, match="Refused: .*Nothing was saved") as caught:
        add(monkeypatch, "bad-0123456789")
    assert not ProviderToken.objects.exists() and "bad-0123456789" not in str(caught.value)


def test_it_saves_untested_without_a_check(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    add(monkeypatch, "bad-0123456789", "--no-check")
    assert ProviderToken.objects.get().state == TokenState.UNTESTED


def test_it_takes_base_url_and_shared(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    add(monkeypatch, SECRET, "--base-url", "https://llm.example.org/v1", "--shared")
    token = ProviderToken.objects.get()
    assert (token.base_url, token.audience) == ("https://llm.example.org/v1", EVERYONE)


@pytest.mark.parametrize(
    ("secret", "extra", "message"),
    [("", [], "secret is empty"), (SECRET, ["--base-url", "http://llm.example.org"], "Only https")],
)
def test_it_refuses(secret: str, extra: list[str], message: str, monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    with pytest.raises(CommandError, match=message):
        add(monkeypatch, secret, *extra)


def test_it_names_an_unknown_owner(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    with pytest.raises(CommandError, match="no active user bob@example.org"):
        add(monkeypatch, SECRET, owner="bob@example.org")
