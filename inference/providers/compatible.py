"""Every server that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio, llama.cpp, and hosted ones."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from inference.providers import openai_sdk, options
from inference.providers.base import Abilities, ChatRequest, ModelInfo, Parameter, StreamEvent
from inference.providers.errors import BadRequest


def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    return openai_sdk.stream(request, api_key=api_key, base_url=_server(base_url))


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    return await openai_sdk.list_models(api_key=api_key, base_url=_server(base_url))


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list costs nothing, and most servers that have keys ask for one."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    penalties = (options.FREQUENCY_PENALTY, options.PRESENCE_PENALTY)
    return (options.TEMPERATURE, options.TOP_P, options.MAX_TOKENS, options.STOP, options.SEED, *penalties)


def abilities(model: str) -> Abilities:
    """A name may stand for anything here: the servers say for themselves what they cannot do."""
    return Abilities()


def _server(base_url: str | None) -> str:
    if not base_url:
        raise BadRequest("This endpoint has no base URL.")
    return base_url
