from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import RequestFactory

if TYPE_CHECKING:
    from accounts.models import User


@pytest.fixture
def totp_of(rf: RequestFactory) -> Callable[[User], str]:
    """`totp_of(alice)`: she has an authenticator app from now on; gives the key that is in it."""
    from allauth.core.context import request_context
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.db import transaction

    def make(user: User) -> str:
        key: str = generate_totp_secret()
        request = rf.get("/")
        request.user = user
        with request_context(request), transaction.atomic():
            TOTP.activate(user, key)
        return key

    return make


@pytest.fixture
def code_of() -> Callable[[str], str]:
    """`code_of(key)`: what the app shows now."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time

    def code(key: str) -> str:
        return str(format_hotp_value(hotp_value(key, list(yield_hotp_counters_from_time())[1])))

    return code
