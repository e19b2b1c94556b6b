"""Chat completion chunks in OpenAI's style, as OpenAI, Groq, HuggingFace and many servers send them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from inference.providers.base import Finished, FinishReason, ReasoningDelta, StreamEvent, TextDelta, Usage
from inference.providers.errors import ContentFiltered, StreamBroken
from inference.providers.failures import from_error_event

FINISH_REASONS: Mapping[str, FinishReason] = {
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_BROKEN_REASONS = ("error", "abort")


class Answer:
    """What a stream has told so far; ``events`` turns one chunk into deltas, ``end`` checks and closes."""

    def __init__(self, *, request_id: str = "") -> None:
        self.request_id = request_id
        self.shown = False
        self.reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.model = ""
        self.response_id = ""

    def end(self) -> Iterator[StreamEvent]:
        """The closing events. Raises ``StreamBroken`` when the provider never said why it stopped."""
        if self.usage is not None:
            yield self.usage
        if self.reason is None:
            raise StreamBroken("The answer ended without the provider's end mark.")
        if self.reason is FinishReason.CONTENT_FILTER and not self.shown:
            raise ContentFiltered("The provider's content filter withheld the answer.")
        yield Finished(self.reason, model=self.model, response_id=self.response_id, request_id=self.request_id)


class ChatChunks(Answer):
    def events(self, chunk: Any) -> list[StreamEvent]:
        """Raises ``StreamBroken`` for a chunk of another shape, and the error that an error chunk stands for."""
        try:
            return self._events(chunk)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise StreamBroken("The provider sent a chunk of an unknown shape.") from None

    def _events(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        if chunk.get("error"):
            raise from_error_event(chunk["error"])
        self.model = chunk.get("model") or self.model
        self.response_id = chunk.get("id") or self.response_id
        if usage := chunk.get("usage"):
            self.usage = read_usage(usage)
        choices = chunk.get("choices")
        return self._choice(choices[0]) if choices else []

    def _choice(self, choice: dict[str, Any]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        delta = choice.get("delta") or {}
        if thought := delta.get("reasoning_content") or delta.get("reasoning"):
            events.append(ReasoningDelta(_text(thought)))
        if text := delta.get("content") or delta.get("refusal"):
            events.append(TextDelta(_text(text)))
        if reason := choice.get("finish_reason"):
            self.reason = _finish_reason(reason)
        self.shown = self.shown or bool(events)
        return events


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _finish_reason(reason: str) -> FinishReason:
    if reason in _BROKEN_REASONS:
        raise StreamBroken("The provider gave up in mid-answer.")
    return FINISH_REASONS.get(reason, FinishReason.STOP)


def read_usage(usage: dict[str, Any]) -> Usage:
    """Prompt tokens include what was cached, completion tokens include reasoning."""
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    details = usage.get("prompt_tokens_details") or {}
    cache_read, cache_write = details.get("cached_tokens") or 0, details.get("cache_write_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    cost = usage.get("cost")
    return Usage(
        input=max(0, prompt - cache_read - cache_write),
        cache_read=cache_read,
        cache_write=cache_write,
        output=max(0, completion - reasoning),
        reasoning=reasoning,
        cost_usd=None if cost is None else f"{Decimal(repr(cost)):f}",
    )
