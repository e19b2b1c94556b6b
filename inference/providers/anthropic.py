"""Anthropic."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import anthropic
import httpx2

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
from inference.providers.failures import as_provider_error, from_error_event
from inference.providers.limits import Limits
from inference.providers.transport import http_clients, opened

BASE_URL = "https://api.anthropic.com"
MAX_TOKENS = 4096

FINISH_REASONS: Mapping[str, FinishReason] = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}

# Which models still take sampling parameters, and which take an effort instead.
# https://platform.claude.com/docs/en/about-claude/models/overview (2026-11)
_SAMPLES = re.compile(r"claude-(2|3|instant|(opus|sonnet|haiku)-4(-[0-6]\b|-20|@|$))")
_MAKES_AN_EFFORT = re.compile(r"claude-(opus-4-[5-9]|sonnet-4-[6-9]|[a-z]+-[5-9])")


async def _client(api_key: str, base_url: str | None, connect: float) -> anthropic.AsyncAnthropic:
    http = await http_clients()
    return anthropic.AsyncAnthropic(
        api_key=api_key,
        base_url=base_url or BASE_URL,
        http_client=http.modern,
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=connect),
    )


async def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    limits = Limits(request.timeouts)
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, request.timeouts.connect)
        call = client.messages.with_streaming_response.create(
            model=request.model,
            messages=(),
            max_tokens=MAX_TOKENS,
            stream=True,
            extra_body=_body(request),
        )
        async with opened(call, limits) as response:
            answer = _Events(request_id=response.headers.get("request-id", ""))
            async with aclosing(answer.read_all(response.http_response, limits)) as events:
                async for event in events:
                    yield event


def _body(request: ChatRequest) -> dict[str, Any]:
    """What the SDK has no keyword for any more, and what it would spend long on (see ``options.body``)."""
    body: dict[str, Any] = {"messages": options.messages(request), **request.parameters}
    if effort := body.pop("effort", None):
        body["output_config"] = {"effort": effort}
    if request.system:
        body["system"] = request.system
    return body


class _Events(Answer):
    def __init__(self, *, request_id: str) -> None:
        super().__init__(request_id=request_id)
        self._counts: dict[str, Any] = {}

    def read(self, chunk: Any) -> list[StreamEvent]:
        match chunk["type"]:
            case "content_block_delta":
                return self._delta(chunk["delta"])
            case "message_start":
                message = chunk["message"]
                self.model, self.response_id = name_of(message.get("model")), name_of(message.get("id"))
                self._count(message.get("usage"))
            case "message_delta":
                self._count(chunk.get("usage"))
                if reason := chunk["delta"].get("stop_reason"):
                    self.reason = FINISH_REASONS.get(reason, FinishReason.STOP)
            case "error":
                raise from_error_event(chunk["error"])
        return []

    def _delta(self, delta: Any) -> list[StreamEvent]:
        match delta["type"]:
            case "text_delta" if delta["text"]:
                self.shown = True
                return [TextDelta(text_of(delta["text"]))]
            case "thinking_delta" if delta["thinking"]:
                return [ReasoningDelta(text_of(delta["thinking"]))]
        return []

    def _count(self, usage: Any) -> None:
        """Figures are cumulative: a later one replaces an earlier one. Input is without cached tokens."""
        self._counts |= {name: count for name, count in (usage or {}).items() if count is not None}
        counts = self._counts
        reasoning = tokens_of(counts.get("output_tokens_details", {}).get("thinking_tokens"))
        self.usage = Usage(
            input=tokens_of(counts.get("input_tokens")),
            cache_read=tokens_of(counts.get("cache_read_input_tokens")),
            cache_write=tokens_of(counts.get("cache_creation_input_tokens")),
            output=max(0, tokens_of(counts.get("output_tokens")) - reasoning),
            reasoning=reasoning,
        )


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, limits.timeouts.connect)
        page = await limits.within(client.models.list(limit=1000))
        return [ModelInfo(model.id, model.max_input_tokens) for model in page.data]


async def check(*, api_key: str, base_url: str | None) -> None:
    """The model list asks for a valid key and costs nothing."""
    await list_models(api_key=api_key, base_url=base_url)


def parameters(model: str) -> tuple[Parameter, ...]:
    sampling = (replace(options.TEMPERATURE, maximum=1), options.TOP_P, options.top_k(500))
    effort = (_EFFORT,) if _MAKES_AN_EFFORT.match(model) else ()
    return (_MAX_TOKENS, *effort, *(sampling if _SAMPLES.match(model) else ()), _STOP)


_MAX_TOKENS = Parameter(
    "max_tokens", "Max tokens", "The longest answer, in tokens.", "int", 1, 128_000, 1, default=MAX_TOKENS
)
_EFFORT = Parameter(
    "effort",
    "Effort",
    "How much the model thinks and writes.",
    "choice",
    choices=("low", "medium", "high", "xhigh", "max"),
)
_STOP = Parameter("stop_sequences", "Stop sequences", "The answer ends before any of these texts.", "text_list")
