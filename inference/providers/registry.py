"""The adapters of the providers in ``accounts.providers``, imported on first use: their SDKs take seconds to import."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import cast

import structlog

from accounts.providers import PROVIDERS, label_of
from inference.providers.base import Adapter
from inference.providers.errors import ProviderError

log = structlog.get_logger(__name__)


def get_adapter(provider: str) -> Adapter:
    """Raises KeyError for an unknown name, ImportError where its SDK cannot be loaded."""
    if provider not in PROVIDERS:
        raise KeyError(provider)
    return cast(Adapter, import_module(f"inference.providers.{provider}"))


async def load_adapter(provider: str) -> Adapter:
    """As ``get_adapter``, without holding up the event loop. Raises ``ProviderError`` where it cannot be loaded."""
    if provider in _loaded:
        return _loaded[provider]
    try:
        _loaded[provider] = await asyncio.to_thread(get_adapter, provider)
    except ImportError as error:
        log.exception("adapter_not_loaded", provider=provider)
        raise ProviderError(f"AISTRALE cannot load its software for {label_of(provider)}: {error}") from error
    return _loaded[provider]


_loaded: dict[str, Adapter] = {}
