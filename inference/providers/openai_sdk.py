"""Servers that speak OpenAI's chat completions, called by OpenAI's SDK."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai

from inference.providers import options
from inference.providers.base import ChatRequest, ModelInfo, StreamEvent, Timeouts
from inference.providers.chat_completions import stream_chat
from inference.providers.failures import as_provider_error
from inference.providers.model_lists import read_models
from inference.providers.timeouts import Limits
from inference.providers.transport import Body, HttpClients, http_clients, opened


async def _client(api_key: str, base_url: str, connect: float) -> openai.AsyncOpenAI:
    return (await http_clients()).sdk_client(_new_client, api_key, base_url, connect)


def _new_client(http: HttpClients, api_key: str, base_url: str, connect: float) -> openai.AsyncOpenAI:
    client = openai.AsyncOpenAI(
        api_key=api_key or "none",
        base_url=base_url,
        http_client=http.modern,
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=connect),
    )
    # The SDK takes these from the environment of the machine, whoever's key it is.
    client.organization = client.project = None
    return client


def _headers(api_key: str) -> dict[str, openai.Omit]:
    """The SDK takes no empty key: for a server without keys, the header that would hold one is left out."""
    return {} if api_key else {"Authorization": openai.Omit()}


def stream(
    request: ChatRequest,
    *,
    api_key: str,
    base_url: str,
    asks_for_usage: bool = True,
    dialect: options.Dialect = options.OPENAI,
) -> AsyncGenerator[StreamEvent, None]:
    """Without ``asks_for_usage``, the request has no ``stream_options``."""

    @asynccontextmanager
    async def call(body: dict[str, Any], limits: Limits) -> AsyncIterator[tuple[Body, str]]:
        client = await _client(api_key, base_url, request.timeouts.connect)
        headers: Any = _headers(api_key)
        sending = client.chat.completions.with_streaming_response.create(
            model=request.model, messages=(), stream=True, extra_body=body, extra_headers=headers
        )
        async with opened(sending, limits) as response:
            yield response.http_response, response.headers.get("x-request-id", "")

    return stream_chat(
        request, call, api_key=api_key, base_url=base_url, asks_for_usage=asks_for_usage, dialect=dialect
    )


async def list_models(*, api_key: str, base_url: str) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, limits.timeouts.connect)
        headers: Any = _headers(api_key)
        response = await limits.within(client.models.with_raw_response.list(extra_headers=headers))
        return read_models(response.content)
