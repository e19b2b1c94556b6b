"""HuggingFace: the router of its inference providers, or an endpoint of one's own by a base URL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

import httpx2
from huggingface_hub import AsyncInferenceClient, set_async_client_factory

from inference.providers import openai_sdk, options
from inference.providers.base import Abilities, ChatRequest, ModelInfo, Parameter, StreamEvent, Timeouts
from inference.providers.chat_completions import stream_chat
from inference.providers.embedding import embed_by_openai, post
from inference.providers.failures import as_provider_error
from inference.providers.model_lists import read_models
from inference.providers.timeouts import Limits
from inference.providers.transport import Body, CapturingTransport, http_clients

BASE_URL = "https://router.huggingface.co/v1"
# https://huggingface.co/docs/inference-providers/tasks/feature-extraction (2026-11)
FEATURES_URL = "https://router.huggingface.co/hf-inference/models/{}/pipeline/feature-extraction"
WHOAMI_URL = "https://huggingface.co/api/whoami-v2"

# The SDK asks a factory, one for the whole process, for the HTTP client of each of its clients.
_http_client: ContextVar[httpx2.AsyncClient] = ContextVar("_http_client")


def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    if request.response_schema is not None:
        # The SDK turns a schema into a form that only one of the router's providers knows (2026-11).
        server = (base_url or BASE_URL).rstrip("/").removesuffix("/chat/completions")
        return openai_sdk.stream(request, api_key=api_key, base_url=server)

    @asynccontextmanager
    async def call(body: dict[str, Any], limits: Limits) -> AsyncIterator[tuple[Body, str]]:
        http = await http_clients()
        async with CapturingTransport(http.transport, connect=request.timeouts.connect) as tap:
            await limits.within(_send(request.model, body, api_key, (base_url or BASE_URL).rstrip("/"), tap.client))
            yield tap.response, tap.response.headers.get("x-request-id", "")

    return stream_chat(request, call, api_key=api_key, base_url=base_url or BASE_URL)


async def _send(model: str, body: dict[str, Any], api_key: str, base_url: str, http_client: httpx2.AsyncClient) -> None:
    set_async_client_factory(_http_client.get)
    reset = _http_client.set(http_client)
    try:
        client = AsyncInferenceClient(base_url=base_url, api_key=api_key)
        await client.chat_completion([], model=model, stream=True, extra_body=body)
    finally:
        _http_client.reset(reset)


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    """The SDK lists the whole Hub, not what can be called: the router's own list is asked instead."""
    return read_models(await _get(_models_url(base_url or BASE_URL), api_key))


async def check(*, api_key: str, base_url: str | None) -> None:
    """The router shows its models to anybody, so the Hub is asked whose token this is."""
    if base_url:
        read_models(await _get(_models_url(base_url), api_key))
    else:
        await _get(WHOAMI_URL, api_key)


def _models_url(base_url: str) -> str:
    """An endpoint is documented, and copied, with the whole path of its chat completions."""
    return base_url.rstrip("/").removesuffix("/chat/completions") + "/models"


async def _get(url: str, api_key: str) -> bytes:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        http = await http_clients()
        headers = {"Authorization": f"Bearer {api_key}"}
        timeout = httpx2.Timeout(None, connect=limits.timeouts.connect)
        response = await limits.within(http.modern.get(url, headers=headers, timeout=timeout))
        return response.content


def parameters(model: str) -> tuple[Parameter, ...]:
    return (options.TEMPERATURE, options.TOP_P, options.MAX_TOKENS, options.STOP, options.SEED)


def abilities(model: str) -> Abilities:
    """They depend on which provider the router chooses, and it says for itself what that one cannot do."""
    return Abilities()


async def embed(texts: Sequence[str], *, model: str, api_key: str, base_url: str | None, seconds: float) -> Any:
    """An endpoint of one's own speaks OpenAI's protocol, the router one of its own."""
    if base_url:
        return await embed_by_openai(texts, model=model, api_key=api_key, base_url=base_url, seconds=seconds)
    headers = {"Authorization": f"Bearer {api_key}"}
    url = FEATURES_URL.format(quote(model))
    # Without it, a text that is too long for the model fails the whole batch.
    body = {"inputs": list(texts), "truncate": True}
    return await post(url, body, headers, api_key=api_key, seconds=seconds)
