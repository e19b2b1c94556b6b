"""Estimating tokens where a provider has not reported them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from telemetry.context import SentMessage
from telemetry.pricing import TokenCounts

# English text of the common tokenisers; good enough for a figure that is always shown with "≈".
CHARACTERS_PER_TOKEN = 4
# How far an estimate may be off: below that, a provider's figure is believed.
_DOUBT_FACTOR = 2
_DOUBT_TOKENS = 16


def estimate_text_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate_tokens(sent: Iterable[SentMessage], text: str, reasoning: str, *, file_tokens: int = 0) -> TokenCounts:
    """``text`` is all that the model said, the arguments of calls included."""
    return TokenCounts(
        input=file_tokens + sum(estimate_text_tokens(message.text) + _in_calls(message) for message in sent),
        output=estimate_text_tokens(text),
        reasoning=estimate_text_tokens(reasoning),
    )


def _in_calls(message: SentMessage) -> int:
    calls = json.loads(message.extra).get("tool_calls", []) if message.extra else []
    return sum(estimate_text_tokens(call["name"] + call["arguments"]) for call in calls)


def estimate_uncounted(told: TokenCounts, text: str, reasoning: str) -> TokenCounts | None:
    """For an answer that did not end: what was told, with its output estimated where more came than was counted.

    None where the figures can be true. Providers count the input at the start and the output when it is over.
    """
    output, thoughts = estimate_text_tokens(text), estimate_text_tokens(reasoning)
    if output + thoughts <= (told.output + told.reasoning) * _DOUBT_FACTOR + _DOUBT_TOKENS:
        return None
    return replace(told, output=output, reasoning=thoughts)
