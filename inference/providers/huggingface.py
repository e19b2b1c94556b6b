"""HuggingFace: the router of its inference providers, or an endpoint of one's own by a base URL."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import httpx2
import orjson
from huggingface_hub import AsyncInferenceClient, set_async_client_factory

from inference.providers import options
from inference.providers.base import ChatRequest, ModelInfo, Parameter, StreamEvent, Timeouts
from inference.providers.chunks import ChatChunks, name_of
from inference.providers.errors import StreamBroken
from inference.providers.failures import as_provider_error
from inference.providers.limits import Limits
from inference.providers.transport import Tap, http_clients

BASE_URL = "https://router.huggingface.co/v1"
WHOAMI_URL = "https://huggingface.co/api/whoami-v2"

# The SDK asks a factory, one for the whole process, for the HTTP client of each of its clients.
_http_client: ContextVar[httpx2.AsyncClient] = ContextVar("_http_client")


async def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    limits = Limits(request.timeouts)
    with as_provider_error(api_key, limits):
        http = await http_clients()
        async with Tap(http.transport, connect=request.timeouts.connect) as tap:
            await limits.within(_send(request, api_key, base_url, tap.client))
            async with aclosing(
                ChatChunks(request_id=tap.response.headers.get("x-request-id", "")).read_all(tap.response, limits)
            ) as events:
                async for event in events:
                    yield event


async def _send(request: ChatRequest, api_key: str, base_url: str | None, http_client: httpx2.AsyncClient) -> None:
    set_async_client_factory(_http_client.get)
    reset = _http_client.set(http_client)
    try:
        client = AsyncInferenceClient(base_url=base_url or BASE_URL, api_key=api_key)
        await client.chat_completion([], model=request.model, stream=True, extra_body=options.body(request))
    finally:
        _http_client.reset(reset)


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    """The SDK lists the whole Hub, not what can be called: the router's own list is asked instead."""
    body = await _get(f"{(base_url or BASE_URL).rstrip('/')}/models", api_key)
    return [ModelInfo(name_of(model.get("id")), _context(model)) for model in body.get("data") or []]


async def check(*, api_key: str, base_url: str | None) -> None:
    """The router shows its models to anybody, so the Hub is asked whose token this is."""
    await _get(f"{base_url.rstrip('/')}/models" if base_url else WHOAMI_URL, api_key)


async def _get(url: str, api_key: str) -> dict[str, Any]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        http = await http_clients()
        headers = {"Authorization": f"Bearer {api_key}"}
        timeout = httpx2.Timeout(None, connect=limits.timeouts.connect)
        response = await limits.within(http.modern.get(url, headers=headers, timeout=timeout))
        body = orjson.loads(response.content)
        if not isinstance(body, dict):
            raise StreamBroken("The provider sent something else than a list of models.")
        return body


def _context(model: dict[str, Any]) -> int | None:
    """The largest window among the providers that serve a model."""
    windows = [provider.get("context_length") for provider in model.get("providers") or []]
    return max((window for window in windows if isinstance(window, int)), default=None)


def parameters(model: str) -> tuple[Parameter, ...]:
    return (options.TEMPERATURE, options.TOP_P, options.MAX_TOKENS, options.STOP, options.SEED)
