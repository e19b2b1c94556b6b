"""Stands where the providers are: answers a test call by how the secret begins, and repeats the secret as some do."""

from __future__ import annotations

from tokens.checks import CheckResult, TokenState

ANSWERS = {
    "bad": TokenState.REFUSED,
    "poor": TokenState.NO_QUOTA,
    "far": TokenState.UNREACHABLE,
}


def check_key(*, provider: str, api_key: str, base_url: str) -> CheckResult:
    state = ANSWERS.get(api_key.partition("-")[0], TokenState.WORKING)
    message = "" if state == TokenState.WORKING else f"<b>Incorrect</b> key {api_key} for {provider} at {base_url}"
    return CheckResult(state, message, 7)
