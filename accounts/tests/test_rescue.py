from __future__ import annotations

import io
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent


def rescue(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rescue", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_a_link_for_a_new_password(admin: User) -> None:
    (link,) = re.findall(r"http\S+", rescue(admin.email))
    page = Client().get(urlsplit(link).path, follow=True).content.decode()
    assert "Choose a new password" in page


def test_it_removes_second_factors_only_if_told_so(admin: User, totp_of: Callable[[User], str]) -> None:
    totp_of(admin)
    rescue(admin.email)
    assert Authenticator.objects.exists()
    rescue(admin.email, "--remove-second-factors")
    assert not Authenticator.objects.exists()


def test_it_records_what_it_does(admin: User, totp_of: Callable[[User], str]) -> None:
    totp_of(admin)
    rescue(admin.email.upper(), "--remove-second-factors")
    events = AuditEvent.objects.order_by("-sequence")[:2]
    assert [(event.action, event.actor, event.source) for event in events] == [
        ("accounts:user:password_link", None, "command"),
        ("accounts:mfa:remove", None, "command"),
    ]


def test_it_knows_no_other(db: None) -> None:
    with pytest.raises(CommandError, match="No active user"):
        rescue("nobody@example.org")
