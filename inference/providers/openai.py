"""OpenAI, and every server that speaks its chat completions (Ollama, vLLM, llama.cpp, LM Studio) by a base URL."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai

from inference.providers import options
from inference.providers.base import ChatRequest, ModelInfo, Parameter, StreamEvent, Timeouts
from inference.providers.chat_completions import stream_chat
from inference.providers.failures import as_provider_error
from inference.providers.model_lists import read_models
from inference.providers.timeouts import Limits
from inference.providers.transport import Body, HttpClients, http_clients, opened

BASE_URL = "https://api.openai.com/v1"

# Reasoning models refuse temperature and max_tokens. https://platform.openai.com/docs/guides/reasoning (2026-11)
_REASONING_MODEL = re.compile(r"(o\d|gpt-[5-9])")
_CHAT_VARIANT = re.compile(r"gpt-5.*-chat")


async def _client(api_key: str, base_url: str | None, connect: float) -> openai.AsyncOpenAI:
    return (await http_clients()).sdk_client(_new_client, api_key, base_url or BASE_URL, connect)


def _new_client(http: HttpClients, api_key: str, base_url: str, connect: float) -> openai.AsyncOpenAI:
    client = openai.AsyncOpenAI(
        api_key=api_key,
        base_url=base_url,
        http_client=http.modern,
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=connect),
    )
    # The SDK takes these from the environment of the machine, whoever's key it is.
    client.organization = client.project = None
    return client


def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    @asynccontextmanager
    async def call(body: dict[str, Any], limits: Limits) -> AsyncIterator[tuple[Body, str]]:
        client = await _client(api_key, base_url, request.timeouts.connect)
        sending = client.chat.completions.with_streaming_response.create(
            model=request.model, messages=(), stream=True, extra_body=body
        )
        async with opened(sending, limits) as response:
            yield response.http_response, response.headers.get("x-request-id", "")

    return stream_chat(request, call, api_key=api_key, base_url=base_url or BASE_URL)


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, limits.timeouts.connect)
        response = await limits.within(client.models.with_raw_response.list())
        return read_models(response.content)


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list asks for a valid key and costs nothing."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    name = model.rpartition("/")[2]
    if _REASONING_MODEL.match(name) and not _CHAT_VARIANT.match(name):
        return (options.effort(("none", "minimal", "low", "medium", "high", "xhigh")), options.MAX_COMPLETION_TOKENS)
    penalties = (options.FREQUENCY_PENALTY, options.PRESENCE_PENALTY)
    return (options.TEMPERATURE, options.TOP_P, options.MAX_TOKENS, options.STOP, options.SEED, *penalties)
