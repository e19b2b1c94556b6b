"""Mistral."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import replace

from inference.providers import openai_sdk, options
from inference.providers.base import Abilities, ChatRequest, ModelInfo, Parameter, StreamEvent

BASE_URL = "https://api.mistral.ai/v1"

# https://docs.mistral.ai/api/#tag/chat (2026-11)
_SEED = replace(options.SEED, name="random_seed")
_TEMPERATURE = replace(options.TEMPERATURE, maximum=1.5)
# https://docs.mistral.ai/capabilities/document_ai/document_qna (2026-11): PDFs are documents with a URL.
_DIALECT = options.Dialect(re.compile(r"[A-Za-z0-9]{9}"), documents_by_url=True)


def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    """Usage comes unasked, and a field that the API does not know is an error."""
    return openai_sdk.stream(
        request, api_key=api_key, base_url=base_url or BASE_URL, asks_for_usage=False, dialect=_DIALECT
    )


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    return await openai_sdk.list_models(api_key=api_key, base_url=base_url or BASE_URL)


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list asks for a valid key and costs nothing."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    penalties = (options.FREQUENCY_PENALTY, options.PRESENCE_PENALTY)
    return (_TEMPERATURE, options.TOP_P, options.MAX_TOKENS, options.STOP, _SEED, *penalties)


def abilities(model: str) -> Abilities:
    """https://docs.mistral.ai/capabilities/structured_output/custom (2026-11): all but codestral-mamba."""
    return Abilities(tools="mamba" not in model, schema="mamba" not in model)
