"""Groq."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import groq
import httpx

from inference.providers import options
from inference.providers.base import ChatRequest, ModelInfo, Parameter, StreamEvent, Timeouts
from inference.providers.chunks import ChatChunks
from inference.providers.failures import as_provider_error
from inference.providers.limits import Limits
from inference.providers.transport import http_clients, opened

BASE_URL = "https://api.groq.com"


async def _client(api_key: str, base_url: str | None, connect: float) -> groq.AsyncGroq:
    http = await http_clients()
    timeout = httpx.Timeout(None, connect=connect)
    return groq.AsyncGroq(
        api_key=api_key, base_url=base_url or BASE_URL, http_client=http.legacy, max_retries=0, timeout=timeout
    )


async def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    limits = Limits(request.timeouts)
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, request.timeouts.connect)
        call = client.chat.completions.with_streaming_response.create(
            model=request.model,
            messages=(),
            stream=True,
            extra_body=options.body(request),
        )
        async with opened(call, limits) as response:
            answer = ChatChunks(request_id=response.headers.get("x-request-id", ""))
            async with aclosing(answer.read_all(response.http_response, limits)) as events:
                async for event in events:
                    yield event


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, limits.timeouts.connect)
        page = await limits.within(client.models.list())
        # The SDK's model leaves out context_window, which the API sends along.
        windows = ((model.id, getattr(model, "context_window", None)) for model in page.data)
        return [ModelInfo(name, window if isinstance(window, int) else None) for name, window in windows]


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
