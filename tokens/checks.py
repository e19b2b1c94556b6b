"""Asking a provider whether it takes a secret.

Providers lie above this app: whoever can ask them sets ``ask_provider`` as the server starts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from django.db import models


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


def _ask_nobody(*, provider: str, api_key: str, base_url: str) -> CheckResult:
    return CheckResult(TokenState.UNTESTED, "No provider can be asked.", 0)


ask_provider: Checker = _ask_nobody


def check_secret(*, provider: str, secret: str, base_url: str) -> CheckResult:
    """Make the provider's cheapest call. Never raises for what a provider does. May take seconds: not in a transaction.

    The message never holds the secret, even where a provider repeats it.
    """
    result = ask_provider(provider=provider, api_key=secret, base_url=base_url)
    return replace(result, message=result.message.replace(secret, "•••")) if secret else result
