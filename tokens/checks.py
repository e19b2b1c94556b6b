"""Asking a provider whether it takes a secret.

The function that asks is named by ``settings.TOKEN_CHECKER``, because providers lie above this app.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, cast

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string


class TokenState(models.TextChoices):
    UNTESTED = "untested", "Untested"
    WORKING = "working", "Working"
    REFUSED = "refused", "Refused"
    NO_QUOTA = "no_quota", "No quota"
    UNREACHABLE = "unreachable", "Unreachable"
    NEEDS_REENTRY = "needs_reentry", "Needs re-entry"

    @property
    def tone(self) -> str:
        """The badge's colour; the label carries the meaning."""
        return _TONES[self]


_TONES = {
    TokenState.UNTESTED: "off",
    TokenState.WORKING: "good",
    TokenState.REFUSED: "bad",
    TokenState.NO_QUOTA: "caution",
    TokenState.UNREACHABLE: "caution",
    TokenState.NEEDS_REENTRY: "bad",
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """``message`` is the provider's, shown as text; ``milliseconds`` is how long the answer took."""

    state: TokenState
    message: str
    milliseconds: int

    @property
    def ok(self) -> bool:
        return self.state == TokenState.WORKING


class Checker(Protocol):
    def __call__(self, *, provider: str, api_key: str, base_url: str) -> CheckResult: ...


def check_secret(*, provider: str, secret: str, base_url: str) -> CheckResult:
    """Make the provider's cheapest call. Never raises for what a provider does. May take seconds: not in a transaction.

    The message never holds the secret, even where a provider repeats it.
    """
    checker = cast(Checker, import_string(settings.TOKEN_CHECKER))
    result = checker(provider=provider, api_key=secret, base_url=base_url)
    return replace(result, message=result.message.replace(secret, "•••"))
