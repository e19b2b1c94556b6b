"""Testing a provider token, for the tokens app, which may not know the providers (``tokens.checks.ask_provider``)."""

from __future__ import annotations

import asyncio
import time

from accounts.admission import release_slot
from inference.providers.base import Adapter
from inference.providers.errors import AuthenticationFailed, PermissionDenied, ProviderError, RateLimited
from inference.providers.registry import get_adapter
from tokens.checks import CheckResult, TokenState

LIMIT = 10.0
_STATES: dict[type[ProviderError], TokenState] = {
    AuthenticationFailed: TokenState.REFUSED,
    PermissionDenied: TokenState.REFUSED,
    RateLimited: TokenState.NO_QUOTA,
}


def check_key(*, provider: str, api_key: str, base_url: str) -> CheckResult:
    """Make the provider's cheapest call, in at most ``LIMIT`` seconds. What a provider does never raises here."""
    adapter = get_adapter(provider)  # its first import may take longer than any answer
    started = time.monotonic()
    with release_slot():
        state, message = asyncio.run(_ask(adapter, api_key, base_url))
    return CheckResult(state, message, round((time.monotonic() - started) * 1000))


async def _ask(adapter: Adapter, api_key: str, base_url: str) -> tuple[TokenState, str]:
    try:
        async with asyncio.timeout(LIMIT):
            await adapter.check(api_key=api_key, base_url=base_url or None)
    except TimeoutError:
        return TokenState.UNREACHABLE, f"No answer within {LIMIT:.0f} seconds."
    except ProviderError as error:
        return _STATES.get(type(error), TokenState.UNREACHABLE), error.message
    return TokenState.WORKING, ""
