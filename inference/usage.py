"""Estimating tokens where a provider has not reported them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemetry.pricing import TokenCounts

# English text of the common tokenisers; good enough for a figure that is always shown with "≈".
CHARACTERS_PER_TOKEN = 4


def estimate_text_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate_tokens(request: Mapping[str, Any], text: str, reasoning: str) -> TokenCounts:
    """``request`` is what GenerationContent keeps: the system prompt and the messages."""
    said = [request["system"], *(message["text"] for message in request["messages"])]
    return TokenCounts(
        input=sum(estimate_text_tokens(part) for part in said),
        output=estimate_text_tokens(text),
        reasoning=estimate_text_tokens(reasoning),
    )
