"""Words for what a run did, or why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from django.template import Library
from django.utils import timezone

from telemetry.models import Generation, UsageSource

register = Library()


class Explanation(NamedTuple):
    """``place`` names the page on which the next step is taken, if it is not this one."""

    title: str
    next_step: str
    place: str = ""


_TRY_AGAIN = "Try again, or use another model."
_TOKENS = "tokens:token-list"
_EXPLANATIONS = {
    "authentication_failed": Explanation("The provider refused the token", "Replace it, or test it again.", _TOKENS),
    "permission_denied": Explanation("The token may not use this model", "Use another model or token.", _TOKENS),
    "not_found": Explanation("The provider does not know this model", "Choose another model."),
    "bad_request": Explanation("The provider refused the request", "Change the parameters or shorten the thread."),
    "unsupported": Explanation("The model cannot do this", "Choose another model. Nothing was sent."),
    "rate_limited": Explanation("The provider's limit is reached", "Wait, check the quota, or use another model."),
    "overloaded": Explanation("The provider is overloaded", _TRY_AGAIN),
    "timeout": Explanation("The provider took too long", _TRY_AGAIN),
    "connection_lost": Explanation("The provider could not be reached", _TRY_AGAIN),
    "stream_broken": Explanation("The answer broke off at the provider", _TRY_AGAIN),
    "content_filtered": Explanation("The provider withheld the answer", "Word the question differently."),
    "token_unreadable": Explanation("The stored token cannot be opened", "Enter it again.", _TOKENS),
    "interrupted": Explanation("AISTRALE stopped while this answer was coming", "What came is kept. Try again."),
    "internal_error": Explanation("Something went wrong on our side", "Try again; the details are in the logs."),
}
_UNKNOWN = Explanation("The call failed", _TRY_AGAIN)


@register.filter
def explanation(generation: Generation) -> Explanation:
    """What a failure means and what to do next."""
    return _EXPLANATIONS.get(generation.error_type, _UNKNOWN)


@register.filter
def about(generation: Generation) -> str:
    """The mark of figures that nobody has reported."""
    return "≈ " if generation.usage_source == UsageSource.ESTIMATED else ""


@register.filter
def retry_wait(generation: Generation) -> float | None:
    """Seconds that are left of the time the provider asked to wait after the last attempt; None if it has passed."""
    asked = generation.attempts[-1].get("retry_after") if generation.attempts else None
    if asked is None or generation.ended_at is None:
        return None
    left = float(asked) - (timezone.now() - generation.ended_at).total_seconds()
    return left if left > 0 else None


@register.filter
def short_tokens(count: int | None) -> str:
    """``128K``, ``1M``: whole thousands, or whole powers of two where the figure is made of them; ``–`` of none."""
    if not count:
        return "–"
    unit = 1000 if count % 1000 == 0 or count % 1024 else 1024
    if count >= unit**2:
        return f"{count / unit**2:.3g}M"
    return f"{count / unit:.0f}K" if count >= unit else str(count)


@register.filter
def unit_price(usd: Decimal | None) -> str:
    """USD per million tokens with two places, or with as many as the price has, up to four; ``–`` of none."""
    if usd is None:
        return "–"
    places = max(2, min(4, -int(usd.normalize().as_tuple().exponent)))
    return f"${usd:,.{places}f}"


@register.filter
def setting_words(parameters: Mapping[str, Any]) -> str:
    """``temperature 0.7, seed 1``; empty where nothing was set."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(parameters.items()))
