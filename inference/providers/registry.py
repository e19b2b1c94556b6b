"""Every provider, by the name that is stored with tokens and generations."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import cast

import structlog

from inference.providers.base import Adapter
from inference.providers.errors import ProviderError

log = structlog.get_logger(__name__)

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


async def load_adapter(provider: str) -> Adapter:
    """As ``get_adapter``, without holding up the event loop. Raises ``ProviderError`` where it cannot be loaded."""
    if provider in _loaded:
        return _loaded[provider]
    try:
        _loaded[provider] = await asyncio.to_thread(get_adapter, provider)
    except ImportError as error:
        log.exception("adapter_not_loaded", provider=provider)
        raise ProviderError(f"AISTRALE cannot load its software for {LABELS[provider]}: {error}") from error
    return _loaded[provider]


_loaded: dict[str, Adapter] = {}
