"""Which fill stands for which model: a hue for each provider, and a pattern for its second model. Pure."""

from __future__ import annotations

from collections.abc import Iterable

OTHER = "p-other"
# A first and a second model, as _patterns.html has them.
_OF_PROVIDER = {
    "openai": ("p-openai", "p-openai-2"),
    "anthropic": ("p-anthropic", "p-anthropic-2"),
    "gemini": ("p-google", "p-google-2"),
    "mistral": ("p-mistral",),
    "groq": ("p-groq",),
    "huggingface": ("p-huggingface",),
}


def patterns_of(models: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """By provider and model, the most important first."""
    left = {provider: list(patterns) for provider, patterns in _OF_PROVIDER.items()}
    return {key: left[key[0]].pop(0) if left.get(key[0]) else OTHER for key in models}
