"""What a stream has told so far, and the chat completion chunks that OpenAI, Groq and HuggingFace send alike.

Everything in a chunk is input from outside: a value of another type than agreed makes the stream unreadable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from decimal import Decimal
from typing import Any

from inference.providers.base import Finished, FinishReason, ReasoningDelta, StreamEvent, TextDelta, Usage
from inference.providers.errors import ContentFiltered, StreamBroken
from inference.providers.failures import from_error_event
from inference.providers.limits import Limits
from inference.providers.sse import Body, payloads

_MOST_TOKENS = 2**31 - 1


class Answer(ABC):
    """``events`` turns one chunk into deltas and keeps the rest; ``end`` gives the closing events."""

    def __init__(self, *, request_id: str = "") -> None:
        self.request_id = request_id
        self.shown = False
        self.reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.model = ""
        self.response_id = ""

    async def read_all(self, response: Body, limits: Limits) -> AsyncGenerator[StreamEvent, None]:
        """The events of a whole response, as its bytes come in."""
        async with aclosing(payloads(response, limits)) as chunks:
            async for chunk in chunks:
                for event in self.events(chunk):
                    limits.streaming = True
                    yield event
        for event in self.end():
            yield event

    def events(self, chunk: Any) -> list[StreamEvent]:
        """Raises ``StreamBroken`` for a chunk of another shape, and the error that an error chunk stands for."""
        try:
            return self.read(chunk)
        except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise StreamBroken("The provider sent a chunk of an unknown shape.") from None

    @abstractmethod
    def read(self, chunk: Any) -> list[StreamEvent]: ...

    def end(self) -> Iterator[StreamEvent]:
        """Raises ``StreamBroken`` when the provider never said why it stopped: its figures are not final then."""
        if self.reason is None:
            raise StreamBroken("The answer ended without the provider's end mark.")
        if self.usage is not None:
            yield self.usage
        if self.reason is FinishReason.CONTENT_FILTER and not self.shown:
            raise ContentFiltered("The provider's content filter withheld the answer.")
        yield Finished(self.reason, model=self.model, response_id=self.response_id, request_id=self.request_id)


def text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def name_of(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def tokens_of(value: Any) -> int:
    """A token count, where None and absence count as zero."""
    if not isinstance(value, int | None) or not 0 <= (value or 0) <= _MOST_TOKENS:
        raise ValueError("not a number of tokens")
    return value or 0


class ChatChunks(Answer):
    reasons: Mapping[str, FinishReason] = {
        "length": FinishReason.LENGTH,
        "tool_calls": FinishReason.TOOL_CALLS,
        "function_call": FinishReason.TOOL_CALLS,
        "content_filter": FinishReason.CONTENT_FILTER,
    }

    def read(self, chunk: Any) -> list[StreamEvent]:
        if chunk.get("error"):
            raise from_error_event(chunk["error"])
        self.model = self.model or name_of(chunk.get("model"))
        self.response_id = self.response_id or name_of(chunk.get("id"))
        if usage := chunk.get("usage") or self._apart(chunk.get("x_groq")):
            self.usage = _usage(usage)
        choices = chunk.get("choices")
        return self._choice(choices[0]) if choices else []

    def _apart(self, apart: Any) -> Any:
        """Groq reports its usage, its request id and its errors in a field of its own."""
        if not apart:
            return None
        if apart.get("error"):
            raise from_error_event(apart["error"])
        self.request_id = self.request_id or name_of(apart.get("id"))
        return apart.get("usage")

    def _choice(self, choice: Any) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        delta = choice.get("delta") or {}
        if thought := delta.get("reasoning_content") or delta.get("reasoning"):
            events.append(ReasoningDelta(text_of(thought)))
        if text := delta.get("content") or delta.get("refusal"):
            events.append(TextDelta(text_of(text)))
            self.shown = True
        if reason := choice.get("finish_reason"):
            if reason in ("abort", "error"):
                raise StreamBroken("The provider gave up in mid-answer.")
            self.reason = self.reasons.get(reason, FinishReason.STOP)
        return events


def _usage(usage: Any) -> Usage:
    """Prompt tokens include what was cached, completion tokens include reasoning."""
    details = usage.get("prompt_tokens_details") or {}
    cache_read, cache_write = tokens_of(details.get("cached_tokens")), tokens_of(details.get("cache_write_tokens"))
    reasoning = tokens_of((usage.get("completion_tokens_details") or {}).get("reasoning_tokens"))
    cost = usage.get("cost")
    return Usage(
        input=max(0, tokens_of(usage.get("prompt_tokens")) - cache_read - cache_write),
        cache_read=cache_read,
        cache_write=cache_write,
        output=max(0, tokens_of(usage.get("completion_tokens")) - reasoning),
        reasoning=reasoning,
        cost_usd=None if cost is None else f"{Decimal(str(cost)):f}"[:40],
    )
