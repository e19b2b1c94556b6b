"""Texts as vectors, by the servers that offer it: what ``embed`` of the adapters has in common.

An adapter may have, beside what ``base`` says::

    async def embed(texts: Sequence[str], *, model: str, api_key: str, base_url: str | None, seconds: float) -> Any

It makes one attempt and gives what the provider sent, one vector for each text if all is well: whoever asks for
vectors checks them. Raises ``ProviderError``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

import httpx2
import orjson

from accounts.providers import PROVIDERS
from inference.providers.base import Timeouts
from inference.providers.errors import StreamBroken
from inference.providers.failures import as_provider_error
from inference.providers.timeouts import Limits
from inference.providers.transport import http_clients


class EmbeddingAdapter(Protocol):
    def embed(
        self, texts: Sequence[str], *, model: str, api_key: str, base_url: str | None, seconds: float
    ) -> Awaitable[Any]: ...


# Those that offer it, by what is known of their protocols.
PROVIDERS_THAT_EMBED = ("openai", "gemini", "huggingface")


def adapter_of(provider: str) -> EmbeddingAdapter:
    """Raises KeyError for a provider that embeds nothing."""
    if provider not in PROVIDERS_THAT_EMBED or provider not in PROVIDERS:
        raise KeyError(provider)
    return cast(EmbeddingAdapter, import_module(f"inference.providers.{provider}"))


async def embed_by_openai(
    texts: Sequence[str], *, model: str, api_key: str, base_url: str, seconds: float
) -> list[Any]:
    """By OpenAI's ``/embeddings``, which Ollama, vLLM, llama.cpp and others have too."""
    body = {"model": model, "input": list(texts), "encoding_format": "float"}
    url = f"{base_url.rstrip('/').removesuffix('/chat/completions')}/embeddings"
    answer = await post(url, body, {"Authorization": f"Bearer {api_key}"}, api_key=api_key, seconds=seconds)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise StreamBroken("The provider returned no embeddings.")
    return [row.get("embedding") for row in sorted(rows, key=lambda row: str(row.get("index", "")).zfill(9))]


async def post(url: str, body: Mapping[str, Any], headers: Mapping[str, str], *, api_key: str, seconds: float) -> Any:
    """The JSON of the answer. Raises ProviderError."""
    limits = Limits(Timeouts(connect=seconds, first_token=seconds, between_tokens=seconds, total=seconds))
    with as_provider_error(api_key, limits):
        http = await http_clients()
        given = {**headers, "Content-Type": "application/json"}
        timeout = httpx2.Timeout(None, connect=seconds)
        sending = http.modern.post(url, content=orjson.dumps(body), headers=given, timeout=timeout)
        response = await limits.within(sending)
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise StreamBroken("The provider sent something else than JSON.") from None
