"""OpenAI, and gateways to it by a base URL."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from inference.providers import openai_sdk, options
from inference.providers.base import Abilities, ChatRequest, ModelInfo, Parameter, StreamEvent
from inference.providers.embedding import embed_by_openai

BASE_URL = "https://api.openai.com/v1"

# Reasoning models refuse temperature and max_tokens. https://platform.openai.com/docs/guides/reasoning (2026-11)
_REASONING_MODEL = re.compile(r"(o\d|gpt-[5-9])")
_CHAT_VARIANT = re.compile(r"gpt-5.*-chat")
# https://platform.openai.com/docs/guides/structured-outputs and /docs/models (2026-11)
_NO_TOOLS = re.compile(r"o1-(mini|preview)|chatgpt-4o|gpt-(4o|5).*-search")
_NO_SCHEMA = re.compile(r"o1-(mini|preview)|chatgpt-4o|gpt-3\.5|gpt-4($|-)|gpt-4o-2024-05-13")


def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    return openai_sdk.stream(request, api_key=api_key, base_url=base_url or BASE_URL)


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    return await openai_sdk.list_models(api_key=api_key, base_url=base_url or BASE_URL)


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list asks for a valid key and costs nothing."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    name = model.rpartition("/")[2]
    if _REASONING_MODEL.match(name) and not _CHAT_VARIANT.match(name):
        return (options.effort(("none", "minimal", "low", "medium", "high", "xhigh")), options.MAX_COMPLETION_TOKENS)
    penalties = (options.FREQUENCY_PENALTY, options.PRESENCE_PENALTY)
    return (options.TEMPERATURE, options.TOP_P, options.MAX_TOKENS, options.STOP, options.SEED, *penalties)


def abilities(model: str) -> Abilities:
    """Of models that are not OpenAI's, nothing is known: their servers say for themselves what they cannot do."""
    return Abilities(tools=not _NO_TOOLS.match(model), schema=not _NO_SCHEMA.match(model))


async def embed(texts: Sequence[str], *, model: str, api_key: str, base_url: str | None, seconds: float) -> Any:
    return await embed_by_openai(texts, model=model, api_key=api_key, base_url=base_url or BASE_URL, seconds=seconds)
