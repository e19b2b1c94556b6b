"""Groq."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import groq
import httpx

from inference.providers import options
from inference.providers.base import Abilities, ChatRequest, ModelInfo, Parameter, StreamEvent, Timeouts
from inference.providers.chat_completions import stream_chat
from inference.providers.failures import as_provider_error
from inference.providers.model_lists import read_models
from inference.providers.timeouts import Limits
from inference.providers.transport import Body, HttpClients, http_clients, opened

BASE_URL = "https://api.groq.com"
# What the SDK adds to the base URL by itself, and the documentation of the vendor names with it.
VERSION_PATH = "/openai/v1"

# https://console.groq.com/docs/structured-outputs#supported-models (2026-11)
_FOLLOWS_SCHEMA = re.compile(r"gpt-oss|kimi-k2|llama-4|qwen3")
_NO_TOOLS = re.compile(r"compound|guard|allam")


async def _client(api_key: str, base_url: str | None, connect: float) -> groq.AsyncGroq:
    return (await http_clients()).sdk_client(_new_client, api_key, base_url or BASE_URL, connect)


def _new_client(http: HttpClients, api_key: str, base_url: str, connect: float) -> groq.AsyncGroq:
    timeout = httpx.Timeout(None, connect=connect)
    server = base_url.rstrip("/").removesuffix(VERSION_PATH)
    return groq.AsyncGroq(api_key=api_key, base_url=server, http_client=http.legacy, max_retries=0, timeout=timeout)


def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    @asynccontextmanager
    async def call(body: dict[str, Any], limits: Limits) -> AsyncIterator[tuple[Body, str]]:
        client = await _client(api_key, base_url, request.timeouts.connect)
        if request.response_schema is not None:
            # An answer that follows a schema comes whole.
            body = {**body, "stream": False}
        sending = client.chat.completions.with_streaming_response.create(
            model=request.model, messages=(), stream=True, extra_body=body
        )
        async with opened(sending, limits) as response:
            yield response.http_response, response.headers.get("x-request-id", "")

    asks_for_usage = request.response_schema is None
    return stream_chat(request, call, api_key=api_key, base_url=base_url or BASE_URL, asks_for_usage=asks_for_usage)


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, limits.timeouts.connect)
        response = await limits.within(client.models.with_raw_response.list())
        return read_models(await response.read())


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list asks for a valid key and costs nothing."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    common = (options.TEMPERATURE, options.TOP_P, options.MAX_COMPLETION_TOKENS, options.STOP, options.SEED)
    if "gpt-oss" in model:
        return (options.effort(("low", "medium", "high")), *common)
    if "qwen3" in model:
        return (options.effort(("none", "default")), *common)
    return common


def abilities(model: str) -> Abilities:
    return Abilities(
        tools=not _NO_TOOLS.search(model), schema=bool(_FOLLOWS_SCHEMA.search(model)), schema_with_tools=False
    )
