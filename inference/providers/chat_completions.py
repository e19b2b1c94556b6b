"""The chat completions of OpenAI, as OpenAI, Groq, Hugging Face and most other servers speak them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import Any, ClassVar

from inference.providers import options
from inference.providers.base import ChatRequest, FinishReason, StreamEvent, Usage
from inference.providers.counting import Reading, Report, disjoint
from inference.providers.errors import BadRequest
from inference.providers.failures import as_provider_error, is_error, mapping_of
from inference.providers.stream_parser import StreamParser, first_of, name_of, text_holder
from inference.providers.timeouts import Limits
from inference.providers.transport import Body

# Of the body of a request, and the limits for it, the response that has begun and the id of the request.
Call = Callable[[dict[str, Any], Limits], AbstractAsyncContextManager[tuple[Body, str]]]

_MOST_REMEMBERED = 1000


async def stream_chat(
    request: ChatRequest,
    call: Call,
    *,
    api_key: str,
    base_url: str,
    asks_for_usage: bool = True,
    dialect: options.Dialect = options.OPENAI,
) -> AsyncGenerator[StreamEvent, None]:
    """Call, and again without asking for usage where the server refuses to be asked; it is remembered for next time."""
    limits = Limits(request.timeouts)
    server = (base_url, request.model)
    body = options.body(request, dialect)
    if asks_for_usage and server not in _without_usage:
        try:
            async with aclosing(_attempt(call, body, api_key, limits)) as events:
                async for event in events:
                    yield event
            return
        except BadRequest as error:
            if limits.streaming or "stream_options" not in error.message:
                raise
    del body["stream_options"]
    async with aclosing(_attempt(call, body, api_key, limits)) as events:
        async for event in events:
            yield event
    if asks_for_usage and len(_without_usage) < _MOST_REMEMBERED:
        _without_usage.add(server)


# Servers and models that know no stream_options, as far as this process has met them.
_without_usage: set[tuple[str, str]] = set()


async def _attempt(call: Call, body: dict[str, Any], api_key: str, limits: Limits) -> AsyncGenerator[StreamEvent, None]:
    with as_provider_error(api_key, limits):
        async with call(body, limits) as (response, request_id):
            parser = ChatCompletionParser(request_id=request_id)
            async with aclosing(parser.read_all(response, limits)) as events:
                async for event in events:
                    yield event


class ChatCompletionParser(StreamParser):
    reasons: ClassVar[Mapping[str, FinishReason]] = {
        **dict.fromkeys(("length", "max_tokens", "model_length"), FinishReason.LENGTH),
        **dict.fromkeys(("tool_calls", "tool_use", "function_call"), FinishReason.TOOL_CALLS),
        **dict.fromkeys(("content_filter", "sensitive", "safety"), FinishReason.CONTENT_FILTER),
    }
    failures: ClassVar = ("abort", "error", "network_error", "insufficient_system_resource")
    figures: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "prompt": ("prompt_tokens", "input_tokens"),
        "completion": ("completion_tokens", "output_tokens"),
        "total": ("total_tokens",),
        "reasoning": (
            "completion_tokens_details.reasoning_tokens",
            "output_tokens_details.reasoning_tokens",
            "reasoning_tokens",
        ),
        "cache_read": (
            "prompt_tokens_details.cached_tokens",
            "input_tokens_details.cached_tokens",
            "cached_tokens",
            "num_cached_tokens",
            "prompt_cache_hit_tokens",
            "cache_read_input_tokens",
        ),
        "cache_write": (
            "prompt_tokens_details.cache_write_tokens",
            "input_tokens_details.cache_write_tokens",
            "prompt_tokens_details.cache_creation_tokens",
            "cache_creation_input_tokens",
        ),
        "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
        "input_audio": ("prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"),
        "input_image": ("prompt_tokens_details.image_tokens", "input_tokens_details.image_tokens"),
        "output_audio": ("completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"),
    }

    def read(self, event: str, payload: Mapping[str, Any]) -> Iterator[StreamEvent]:
        names = {"model": payload.get("model"), "response_id": payload.get("id")}
        self.identify(**names, service_tier=payload.get("service_tier"))
        choice = first_of(payload.get("choices"))
        yield from self._text(choice, is_whole=payload.get("object") == "chat.completion")
        if apart := mapping_of(payload.get("x_groq")):
            self.request_id = self.request_id or name_of(apart.get("id"))
            if is_error(apart):
                self.fail(apart)
        yield from self.count(payload.get("usage"), choice.get("usage"), apart.get("usage"))
        if reason := choice.get("finish_reason"):
            self._finish(reason, choice)

    def _text(self, choice: Mapping[str, Any], *, is_whole: bool) -> Iterator[StreamEvent]:
        delta = choice.get("delta")
        if delta is None and not (is_whole and self.shown):
            delta = choice.get("message") or choice.get("text")
        if isinstance(delta, str):
            yield from self.say(delta)
            return
        delta = text_holder(delta)
        thought = next((delta[name] for name in _THOUGHTS if delta.get(name)), None)
        if thought:
            yield from self.think(thought)
        if text := delta.get("content") or delta.get("refusal"):
            yield from self.say(text)
        yield from self._calls(delta)

    def _calls(self, delta: Mapping[str, Any]) -> Iterator[StreamEvent]:
        """Pieces by index; of some servers whole calls, without any number or id; or the one call of the old form."""
        calls = delta.get("tool_calls") or []
        for call in map(text_holder, calls if isinstance(calls, list) else [calls]):
            function = text_holder(call.get("function"))
            yield from self.call(
                key=call.get("index"),
                call_id=call.get("id"),
                name=function.get("name"),
                arguments=function.get("arguments"),
            )
        if function := text_holder(delta.get("function_call")):
            yield from self.call(key="function_call", name=function.get("name"), arguments=function.get("arguments"))

    def _finish(self, reason: Any, choice: Mapping[str, Any]) -> None:
        name = reason.lower() if isinstance(reason, str) else ""
        if name in self.failures or choice.get("error"):
            self.fail(choice if choice.get("error") else {"error": "The provider ended the answer early."})
        elif name != "null":
            self.reason = self.reasons.get(name, FinishReason.STOP)

    def usage(self) -> Usage:
        counts = self.counts
        prompt, completion, total = counts["prompt"], counts.get("completion"), counts.get("total")
        report = Report(
            prompt=prompt,
            completion=max(0, (total or 0) - prompt) if completion is None else completion,
            reasoning=counts.get("reasoning"),
            cache_read=counts["cache_read"],
            cache_write=max(counts["cache_write"], counts["cache_write_1h"]),
            parts=counts.some("cache_write_1h", "input_audio", "input_image", "output_audio"),
            total=total,
        )
        usage = disjoint(report, Reading(cached_inside=True, reasoning_inside=True), cost_usd=counts.cost_usd)
        return replace(usage, service_tier=self.service_tier)


_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
