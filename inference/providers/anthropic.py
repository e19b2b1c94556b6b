"""Anthropic."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar

import anthropic
import httpx2

from inference.providers import options
from inference.providers.base import ChatRequest, FinishReason, ModelInfo, Parameter, StreamEvent, Timeouts, Usage
from inference.providers.counting import Reading, Report, disjoint
from inference.providers.failures import as_provider_error, mapping_of
from inference.providers.model_lists import read_models
from inference.providers.stream_parser import StreamParser, name_of, text_holder
from inference.providers.timeouts import Limits
from inference.providers.transport import HttpClients, http_clients, opened

BASE_URL = "https://api.anthropic.com"
MAX_TOKENS = 4096

# Which models still take sampling parameters, and which take an effort instead.
# https://platform.claude.com/docs/en/about-claude/models/overview (2026-11)
_SAMPLES = re.compile(r"claude-(2|3|instant|(opus|sonnet|haiku)-4(-[0-6]\b|-20|@|$))")
_MAKES_AN_EFFORT = re.compile(r"claude-(opus-4-[5-9]|sonnet-4-[6-9]|[a-z]+-[5-9])")


async def _client(api_key: str, base_url: str | None, connect: float) -> anthropic.AsyncAnthropic:
    return (await http_clients()).sdk_client(_new_client, api_key, base_url or BASE_URL, connect)


def _new_client(http: HttpClients, api_key: str, base_url: str, connect: float) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        api_key=api_key,
        # The SDK adds the version to the base URL, and other servers are documented with it.
        base_url=base_url.rstrip("/").removesuffix("/v1"),
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
            parser = MessageParser(request_id=response.headers.get("request-id", ""))
            async with aclosing(parser.read_all(response.http_response, limits)) as events:
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


class MessageParser(StreamParser):
    reasons: ClassVar[Mapping[str, FinishReason]] = {
        "max_tokens": FinishReason.LENGTH,
        "model_context_window_exceeded": FinishReason.LENGTH,
        "tool_use": FinishReason.TOOL_CALLS,
        "refusal": FinishReason.CONTENT_FILTER,
    }
    figures: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "input": ("input_tokens",),
        "output": ("output_tokens",),
        "reasoning": ("output_tokens_details.thinking_tokens", "output_tokens_details.reasoning_tokens"),
        "cache_read": ("cache_read_input_tokens",),
        "cache_write": ("cache_creation_input_tokens",),
        "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
        "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
    }

    def read(self, event: str, payload: Mapping[str, Any]) -> Iterator[StreamEvent]:
        match payload.get("type") or event:
            case "content_block_delta":
                yield from self._block(payload.get("delta"))
            case "content_block_start":
                yield from self._block(payload.get("content_block"))
            case "message_start":
                yield from self._message(text_holder(payload.get("message")))
            case "message":
                yield from self._message(payload)
            case "message_delta":
                yield from self.count(payload.get("usage"))
                self._stop(mapping_of(payload.get("delta")))
            case "message_stop":
                self.complete = True

    def _message(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        """The head of an answer, or the whole of one that was not streamed."""
        self.identify(model=message.get("model"), response_id=message.get("id"))
        yield from self.say(message.get("content"))
        yield from self.count(message.get("usage"))
        self._stop(message)

    def _block(self, block: Any) -> Iterator[StreamEvent]:
        if block := text_holder(block):
            if block.get("thinking"):
                yield from self.think(block["thinking"])
            elif block.get("text"):
                yield from self.say(block["text"])

    def _stop(self, told: Mapping[str, Any]) -> None:
        if reason := told.get("stop_reason"):
            self.reason = self.reasons.get(name_of(reason), FinishReason.STOP)

    def usage(self) -> Usage:
        """Input is without cached tokens, and output with thinking."""
        counts = self.counts
        report = Report(
            prompt=counts["input"],
            completion=counts["output"],
            reasoning=counts.get("reasoning"),
            cache_read=counts["cache_read"],
            cache_write=max(counts["cache_write"], counts["cache_write_5m"] + counts["cache_write_1h"]),
            cache_write_1h=counts["cache_write_1h"],
        )
        return disjoint(report, Reading(cached_inside=False, reasoning_inside=True), cost_usd=counts.cost_usd)


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    limits = Limits(Timeouts(first_token=15, total=15))
    with as_provider_error(api_key, limits):
        client = await _client(api_key, base_url, limits.timeouts.connect)
        response = await limits.within(client.models.with_raw_response.list(limit=1000))
        return read_models(await response.read())


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
