"""Every provider, by the name that is stored with tokens and generations."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from inference.providers.base import Adapter

ADAPTERS = {
    "openai": "inference.providers.openai",
    "anthropic": "inference.providers.anthropic",
    "gemini": "inference.providers.gemini",
    "groq": "inference.providers.groq",
    "huggingface": "inference.providers.huggingface",
    "echo": "inference.providers.echo",
}

LABELS = {
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "gemini": "Google Gemini",
    "groq": "Groq",
    "huggingface": "Hugging Face",
    "echo": "Sandbox",
}
NEEDS_NO_TOKEN = frozenset({"echo"})


def get_adapter(provider: str) -> Adapter:
    """Import the adapter on first use: the SDKs take seconds to import. Raises KeyError for an unknown name."""
    return cast(Adapter, import_module(ADAPTERS[provider]))
