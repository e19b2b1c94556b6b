"""Anthropic."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar

import anthropic
import httpx2

from inference.providers import options
from inference.providers.base import (
    Abilities,
    ChatMessage,
    ChatRequest,
    FinishReason,
    ModelInfo,
    Parameter,
    StreamEvent,
    Timeouts,
    ToolCall,
    Usage,
)
from inference.providers.call_reader import arguments_of, fitting_id
from inference.providers.counting import Reading, Report, disjoint
from inference.providers.failures import as_provider_error, mapping_of
from inference.providers.model_lists import read_models
from inference.providers.parts import anthropic_content
from inference.providers.stream_parser import StreamParser, name_of, text_holder
from inference.providers.timeouts import Limits
from inference.providers.transport import HttpClients, http_clients, opened

BASE_URL = "https://api.anthropic.com"
MAX_TOKENS = 4096

# Which models still take sampling parameters, and which take an effort instead.
# https://platform.claude.com/docs/en/about-claude/models/overview (2026-11)
_SAMPLES = re.compile(r"claude-(2|3|instant|(opus|sonnet|haiku)-4(-[0-6]\b|-20|@|$))")
# https://platform.claude.com/docs/en/build-with-claude/structured-outputs (2026-11)
_NO_SCHEMA = re.compile(r"claude-(2|3|instant|(opus|sonnet|haiku)-4(-0\b|-20|@|$))")
_NO_TOOLS = re.compile(r"claude-(2|instant)")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]+")
_SIGNED = "anthropic:"
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
    body: dict[str, Any] = {"messages": _messages(request.messages), **request.parameters}
    config = {"effort": body.pop("effort", None), "format": _format(request)}
    if config := {name: value for name, value in config.items() if value}:
        body["output_config"] = config
    if request.system:
        body["system"] = request.system
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": {"type": "object", **tool.parameters}}
            for tool in request.tools
        ]
    return body


def _format(request: ChatRequest) -> dict[str, Any] | None:
    schema = request.response_schema
    return None if schema is None else {"type": "json_schema", "schema": dict(schema)}


def _messages(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """The results of calls made at once go into one message of the user."""
    made: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        if message.role == "tool" and place and messages[place - 1].role == "tool":
            made[-1]["content"].append(_result(message))
        elif message.role == "tool":
            made.append({"role": "user", "content": [_result(message)]})
        elif message.tool_calls:
            made.append({"role": "assistant", "content": list(_content_with_calls(message))})
        else:
            made.append({"role": message.role, "content": anthropic_content(message)})
    return made


def _content_with_calls(message: ChatMessage) -> Iterator[dict[str, Any]]:
    """Thoughts, text and calls in the order in which they came: a call stands behind the thoughts before it."""
    first, *others = message.tool_calls
    yield from _thoughts_before(first)
    if message.text.strip():
        yield {"type": "text", "text": message.text}
    yield _use(first)
    for call in others:
        yield from _thoughts_before(call)
        yield _use(call)


def _thoughts_before(call: ToolCall) -> Sequence[dict[str, Any]]:
    if not call.signature.startswith(_SIGNED):
        return []
    blocks: list[dict[str, Any]] = json.loads(call.signature.removeprefix(_SIGNED))
    return blocks


def _use(call: ToolCall) -> dict[str, Any]:
    """Only an object can be sent back: of arguments that are none, it has the text."""
    given = arguments_of(call.arguments)
    return {
        "type": "tool_use",
        "id": _id(call.id),
        "name": call.name,
        "input": {"arguments": call.arguments} if given is None else given,
    }


def _result(message: ChatMessage) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": _id(message.tool_call_id), "content": message.text}


def _id(given: str) -> str:
    return fitting_id(given, is_allowed=_CALL_ID.fullmatch(given) is not None)


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
        "web_searches": ("server_tool_use.web_search_requests",),
    }

    def __init__(self, *, request_id: str = "") -> None:
        super().__init__(request_id=request_id)
        self._thoughts: list[dict[str, Any]] = []
        self._given_whole: set[int | None] = set()

    def read(self, event: str, payload: Mapping[str, Any]) -> Iterator[StreamEvent]:
        match payload.get("type") or event:
            case "content_block_delta":
                yield from self._delta(payload.get("index"), text_holder(payload.get("delta")))
            case "content_block_start":
                yield from self._block(payload.get("index"), payload.get("content_block"))
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
        tier = mapping_of(message.get("usage")).get("service_tier")
        self.identify(model=message.get("model"), response_id=message.get("id"), service_tier=tier)
        content = message.get("content")
        for place, block in enumerate(content if isinstance(content, list) else [content]):
            yield from self._block(place, block)
        yield from self.count(message.get("usage"))
        self._stop(message)

    def _block(self, index: Any, block: Any) -> Iterator[StreamEvent]:
        """A block as it begins, which with other servers than Anthropic's is often all of it."""
        if isinstance(block, str):
            yield from self.say(block)
        elif block := text_holder(block):
            if block.get("type") == "tool_use":
                yield from self._use(index, block)
            elif block.get("type") in ("thinking", "redacted_thinking"):
                self._thoughts.append(_signed_thought(block))
            if block.get("thinking"):
                yield from self.think(block["thinking"])
            elif block.get("text"):
                yield from self.say(block["text"])

    def _use(self, index: Any, block: Mapping[str, Any]) -> Iterator[StreamEvent]:
        thoughts = [thought for thought in self._thoughts if thought.get("signature") or thought.get("data")]
        self._thoughts = []
        signature = _SIGNED + json.dumps(thoughts) if thoughts else ""
        given = block.get("input") or None
        if given:
            self._given_whole.add(_number(index))
        yield from self.call(
            key=index, call_id=block.get("id"), name=block.get("name"), arguments=given, signature=signature
        )

    def _delta(self, index: Any, delta: Mapping[str, Any]) -> Iterator[StreamEvent]:
        if delta.get("type") == "input_json_delta":
            if _number(index) not in self._given_whole:
                yield from self.call(key=index, arguments=delta.get("partial_json"))
        elif delta.get("thinking"):
            self._remember("thinking", delta["thinking"])
            yield from self.think(delta["thinking"])
        elif delta.get("text"):
            yield from self.say(delta["text"])
        self._remember("signature", delta.get("signature"))

    def _remember(self, part: str, text: Any) -> None:
        if text and isinstance(text, str) and self._thoughts and part in self._thoughts[-1]:
            self._thoughts[-1][part] += text

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
            parts=counts.some("cache_write_1h", "web_searches"),
        )
        usage = disjoint(report, Reading(cached_inside=False, reasoning_inside=True), cost_usd=counts.cost_usd)
        return replace(usage, service_tier=self.service_tier)


def _number(index: Any) -> int | None:
    return index if isinstance(index, int) else None


def _signed_thought(block: Mapping[str, Any]) -> dict[str, Any]:
    """Thoughts as they are sent back, where they are signed: otherwise the next call would be refused."""
    if block.get("type") == "redacted_thinking":
        return {"type": "redacted_thinking", "data": block.get("data")}
    parts = {name: block.get(name) for name in ("thinking", "signature")}
    return {"type": "thinking", **{name: part if isinstance(part, str) else "" for name, part in parts.items()}}


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


def abilities(model: str) -> Abilities:
    return Abilities(tools=not _NO_TOOLS.match(model), schema=not _NO_SCHEMA.match(model))


_MAX_TOKENS = Parameter(
    "max_tokens", "Max tokens", "Maximum length of the answer, in tokens.", "int", 1, 128_000, 1, default=MAX_TOKENS
)
_EFFORT = Parameter(
    "effort",
    "Effort",
    "How much the model thinks and writes.",
    "choice",
    choices=("low", "medium", "high", "xhigh", "max"),
)
_STOP = Parameter("stop_sequences", "Stop sequences", "Generation stops before any of these strings.", "text_list")
