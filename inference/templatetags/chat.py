"""Words for what a run did, or why it failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from django.template import Library
from django.utils import timezone

from accounts.providers import label_of, needs_key
from inference.chat.composer import value_text
from telemetry.models import Generation, UsageSource

register = Library()


class Explanation(NamedTuple):
    """``place`` names the page on which the next step is taken, if it is not this one."""

    title: str
    next_step: str
    place: str = ""


_TRY_AGAIN = "Retry, or try another model."
_KEYS = "tokens:token-list"
_EXPLANATIONS = {
    "authentication_failed": Explanation("Invalid API key", "Replace it, or test it again.", _KEYS),
    "permission_denied": Explanation("The key has no access to this model", "Use another model or key.", _KEYS),
    "not_found": Explanation("Model not found", "Pick another model."),
    "bad_request": Explanation("Request rejected", "Adjust the parameters or shorten the conversation."),
    "unsupported": Explanation("Not supported by this model", "Pick another model. Nothing was sent."),
    "rate_limited": Explanation("Rate limit reached", "Check your quota, or try another model."),
    "overloaded": Explanation("The provider is overloaded", _TRY_AGAIN),
    "timeout": Explanation("The provider took too long", _TRY_AGAIN),
    "connection_lost": Explanation("The provider could not be reached", _TRY_AGAIN),
    "stream_broken": Explanation("The stream was interrupted", _TRY_AGAIN),
    "content_filtered": Explanation("Blocked by the provider's content filter", "Rephrase your message."),
    "token_unreadable": Explanation("The stored key cannot be decrypted", "Enter it again.", _KEYS),
    "interrupted": Explanation("The server restarted during this answer", "The partial answer was saved. Retry."),
    "internal_error": Explanation("Something went wrong in AISTRALE", "Retry. The details are in the server log."),
}
_UNKNOWN = Explanation("The call failed", _TRY_AGAIN)


@register.filter
def explanation(generation: Generation) -> Explanation:
    """What a failure means and what to do next."""
    return _EXPLANATIONS.get(generation.error_type, _UNKNOWN)


@register.filter
def error_title(kind: str) -> str:
    return _EXPLANATIONS.get(kind, _UNKNOWN).title


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


@register.filter
def preset_texts(parameters: Mapping[str, Any]) -> str:
    """JSON of what stands in the field of each parameter."""
    return json.dumps({name: value_text(value) for name, value in parameters.items()})


@register.filter
def provider_name(generation: Generation) -> str:
    return label_of(generation.provider)


@register.filter
def shown_model(generation: Generation) -> str:
    """The model's id; the sandbox is none and has its name."""
    is_model = needs_key(generation.provider)
    return generation.request_model if is_model else label_of(generation.provider)


@register.simple_tag
def short_duration(seconds: float | None) -> str:
    """``0.4 s``, ``12.1 s``, ``2 min 5 s``; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


@register.simple_tag
def tokens_used(count: int | None) -> str:
    """``1,204 tok``; a dash for None."""
    return "–" if count is None else f"{count:,} tok"


@register.filter
def of(by_key: Mapping[Any, Any] | None, key: Any) -> Any:
    """The value of a key, or None."""
    return (by_key or {}).get(key)
