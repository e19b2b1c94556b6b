"""Google Gemini, by its developer API."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import lru_cache
from typing import Any

import httpx2
from google import genai
from google.genai import types

from inference.providers import options
from inference.providers.base import (
    ChatRequest,
    FinishReason,
    ModelInfo,
    Parameter,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    Timeouts,
    Usage,
)
from inference.providers.chunks import Answer, name_of, text_of, tokens_of
from inference.providers.errors import StreamBroken
from inference.providers.failures import as_provider_error, from_error_event
from inference.providers.limits import Limits
from inference.providers.transport import Tap, http_clients, tls

BASE_URL = "https://generativelanguage.googleapis.com"

FINISH_REASONS: Mapping[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"),
        FinishReason.CONTENT_FILTER,
    ),
}

_THINKS_BY_BUDGET = re.compile(r"gemini-2\.5")
_THINKS_BY_LEVEL = re.compile(r"gemini-[3-9]")


def _client(api_key: str, base_url: str | None, http_client: httpx2.AsyncClient) -> genai.Client:
    return genai.Client(
        api_key=api_key,
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=base_url or BASE_URL,
            api_version="v1beta",
            httpx_async_client=http_client,
            # Without these two the SDK reads the certificate authorities anew for each client.
            httpx_client=_idle_client(),
            async_client_args={"ssl": tls()},
        ),
    )


@lru_cache
def _idle_client() -> httpx2.Client:
    """The SDK wants a client for its calls without async too, of which we make none."""
    return httpx2.Client(verify=tls(), trust_env=False)


async def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    limits = Limits(request.timeouts)
    with as_provider_error(api_key, limits):
        http = await http_clients()
        async with Tap(http.transport, connect=request.timeouts.connect) as tap:
            await limits.within(_send(request, _client(api_key, base_url, tap.client)))
            async with aclosing(_Chunks().read_all(tap.response, limits)) as events:
                async for event in events:
                    yield event


async def _send(request: ChatRequest, client: genai.Client) -> None:
    answer = await client.aio.models.generate_content_stream(
        model=request.model, contents=_contents(request), config=_config(request)
    )
    # The SDK sends nothing before its answer is asked for.
    async for _ in answer:
        pass


def _contents(request: ChatRequest) -> Any:
    roles = {"user": "user", "assistant": "model"}
    return [
        types.Content(role=roles[message.role], parts=[types.Part(text=message.text)]) for message in request.messages
    ]


def _config(request: ChatRequest) -> types.GenerateContentConfig:
    fields: dict[str, Any] = dict(request.parameters)
    thinking = {name: fields.pop(name) for name in ("thinking_budget", "thinking_level") if name in fields}
    if _THINKS_BY_BUDGET.match(request.model) or _THINKS_BY_LEVEL.match(request.model):
        fields["thinking_config"] = types.ThinkingConfig(include_thoughts=True, **thinking)
    return types.GenerateContentConfig(
        system_instruction=request.system or None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        **fields,
    )


class _Chunks(Answer):
    def read(self, chunk: Any) -> list[StreamEvent]:
        if chunk.get("error"):
            raise from_error_event(chunk["error"])
        self.model = self.model or name_of(chunk.get("modelVersion"))
        self.response_id = self.response_id or name_of(chunk.get("responseId"))
        if usage := chunk.get("usageMetadata"):
            self.usage = _usage(usage)
        if (chunk.get("promptFeedback") or {}).get("blockReason"):
            self.reason = FinishReason.CONTENT_FILTER
        candidates = chunk.get("candidates")
        return self._candidate(candidates[0]) if candidates else []

    def _candidate(self, candidate: Any) -> list[StreamEvent]:
        parts = (candidate.get("content") or {}).get("parts") or []
        events = [self._part(part) for part in parts if part.get("text")]
        if reason := candidate.get("finishReason"):
            if reason not in FINISH_REASONS:
                raise StreamBroken(f"The provider gave up in mid-answer ({name_of(reason)}).")
            self.reason = FINISH_REASONS[reason]
        return events

    def _part(self, part: Any) -> StreamEvent:
        if part.get("thought"):
            return ReasoningDelta(text_of(part["text"]))
        self.shown = True
        return TextDelta(text_of(part["text"]))


def _usage(usage: Any) -> Usage:
    """Prompt tokens include what was cached; thoughts are not among the candidates' tokens."""
    cache_read = tokens_of(usage.get("cachedContentTokenCount"))
    prompt = tokens_of(usage.get("promptTokenCount")) + tokens_of(usage.get("toolUsePromptTokenCount"))
    return Usage(
        input=max(0, prompt - cache_read),
        cache_read=cache_read,
        output=tokens_of(usage.get("candidatesTokenCount")),
        reasoning=tokens_of(usage.get("thoughtsTokenCount")),
    )


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        http = await http_clients()
        client = _client(api_key, base_url, http.modern)
        pager = await limits.within(client.aio.models.list(config={"page_size": 1000}))
        return [
            ModelInfo((model.name or "").removeprefix("models/"), model.input_token_limit)
            for model in pager.page
            if "generateContent" in (model.supported_actions or ["generateContent"])
        ]


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list asks for a valid key and costs nothing."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    common = (options.TEMPERATURE, options.TOP_P, options.top_k(100), _MAX_TOKENS, _STOP, options.SEED)
    if _THINKS_BY_BUDGET.match(model):
        return (*common, _BUDGET)
    if _THINKS_BY_LEVEL.match(model):
        return (*common, _LEVEL)
    return common


_MAX_TOKENS = Parameter("max_output_tokens", "Max tokens", "The longest answer, in tokens.", "int", 1, 1_000_000, 1)
_STOP = Parameter("stop_sequences", "Stop sequences", "The answer ends before any of these texts.", "text_list")
_BUDGET = Parameter(
    "thinking_budget", "Thinking budget", "Tokens for thinking; -1 lets the model decide.", "int", -1, 32_768, 1
)
_LEVEL = Parameter(
    "thinking_level",
    "Thinking level",
    "How much the model thinks before it answers.",
    "choice",
    choices=("low", "high"),
)
