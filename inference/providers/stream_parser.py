"""Reading an answer as it comes: text at once, figures with suspicion, and the end where the protocol says it is.

Everything in a payload is input from outside. Where text should be, a value of another type makes the answer
unreadable, since what follows would no longer fit to what came before. Everywhere else it counts as not said.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar, cast

import structlog

from inference.providers.base import Finished, FinishReason, ReasoningDelta, StreamEvent, TextDelta, Usage
from inference.providers.call_reader import CallReader, whole_text
from inference.providers.counting import Counts
from inference.providers.errors import ContentFiltered, ProviderError, StreamBroken, Timeout
from inference.providers.failures import from_error_event, is_error, is_from_outside, mapping_of
from inference.providers.sse import END, EventReader
from inference.providers.timeouts import Limits
from inference.providers.transport import Body, drain
from inference.turns import LARGE, pieces, turn

log = structlog.get_logger(__name__)

_LOGGED_CHARACTERS = 500
_THOUGHTS = ("thinking", "reasoning", "reasoning_text", "reasoning.text", "reasoning.summary")
_HOLDS_TEXT = ("text", "thinking", "reasoning", "content", "summary", "refusal", "value")


class StreamParser(ABC):
    """``read`` turns one payload into deltas and keeps the rest; ``end`` gives the closing events.

    ``figures`` is what ``Counts`` looks for in a usage report.
    """

    figures: ClassVar[Mapping[str, tuple[str, ...]]]

    def __init__(self, *, request_id: str = "") -> None:
        self.request_id = request_id
        self.reason: FinishReason | None = None
        self.model = ""
        self.response_id = ""
        self.service_tier = ""
        self.shown = False
        self.complete = False
        self.counts = Counts(self.figures)
        self.calls = CallReader()
        self._begun = False
        self._failure: ProviderError | None = None
        self._complained = False
        self._halves: dict[type[TextDelta] | type[ReasoningDelta], str] = {TextDelta: "", ReasoningDelta: ""}

    @abstractmethod
    def read(self, event: str, payload: Mapping[str, Any]) -> Iterator[StreamEvent]: ...

    @abstractmethod
    def usage(self) -> Usage:
        """All that is known of the tokens so far."""

    async def read_all(self, response: Body, limits: Limits) -> AsyncGenerator[StreamEvent, None]:
        """The events of a whole response, as its bytes come in. Leaves the connection fit for the next call."""
        # httpx promises less than it gives: this is a generator, and an open one would outlive the task.
        async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as body:
            try:
                async with limits.watching(), aclosing(self._events(body, limits)) as events:
                    async for event in events:
                        yield event
            except Exception as error:
                if self.reason is None:
                    raise
                if not isinstance(error, Timeout):
                    self._complain("after the end", error)
            await drain(body)
        for event in self.end():
            yield event

    async def _events(self, body: AsyncGenerator[bytes, None], limits: Limits) -> AsyncGenerator[StreamEvent, None]:
        reader = EventReader()
        async for piece in self._pieces(body, limits):
            for name, payload in reader.feed(piece) if piece else reader.close():
                for event in self.events(name, payload):
                    if not isinstance(event, Usage):
                        limits.streaming = True
                    yield event
                if self._failure:
                    raise self._failure
                if self.reason is not None:
                    limits.expect_end()

    async def _pieces(self, body: AsyncGenerator[bytes, None], limits: Limits) -> AsyncGenerator[bytes, None]:
        """Until the answer is complete; an empty one is the end of the body."""
        chunk = None
        while chunk != b"" and not self.complete:
            chunk = await limits.next_chunk(body)
            if len(chunk) < LARGE:
                yield chunk
                continue
            for piece in pieces(chunk):
                await turn(len(piece))
                yield piece

    def events(self, name: str, payload: Any) -> Iterator[StreamEvent]:
        """Raises ``StreamBroken`` where text is of another type than text."""
        if payload is END:
            self.complete = True
        elif isinstance(payload, dict):
            self._begun = True
            if name == "error" or is_error(payload):
                self.fail(payload)
            yield from self.read(name, payload)
        elif name == "error":
            self.fail(payload)
        elif isinstance(payload, list):
            for item in filter(mapping_of, payload):
                yield from self.events(name, item)
        else:
            self._complain("payload", payload)

    def end(self) -> Iterator[StreamEvent]:
        """Raises ``StreamBroken`` when the provider never said that this was all."""
        for kind, half in self._halves.items():
            if half:
                yield kind("\ufffd")
        yield from self.calls.rest()
        if self.reason is None and not (self.complete and self._begun):
            raise StreamBroken("The answer ended without the provider's end mark.")
        if self.reason is FinishReason.CONTENT_FILTER and not self.shown:
            raise ContentFiltered("The provider's content filter withheld the answer.")
        reason = self.reason or FinishReason.STOP
        if reason is FinishReason.STOP and self.calls:
            reason = FinishReason.TOOL_CALLS
        yield Finished(reason, model=self.model, response_id=self.response_id, request_id=self.request_id)

    def fail(self, error: Any) -> None:
        """End with what the provider says, once the text of this payload is out, unless the answer is complete."""
        if self.reason is not None:
            self._complain("error after the end", error)
        elif self._failure is None:
            self._failure = from_error_event(error)

    def identify(self, *, model: Any, response_id: Any, service_tier: Any = None) -> None:
        self.model = self.model or name_of(model)
        self.service_tier = name_of(service_tier) or self.service_tier
        self.response_id = self.response_id or name_of(response_id)

    def count(self, *reports: Any) -> Iterator[StreamEvent]:
        news = [self.counts.add(report) for report in reports if report]
        if any(news):
            yield self.usage()
        if self.counts.unreadable is not None:
            self._complain("usage", self.counts.unreadable)

    def say(self, content: Any) -> Iterator[StreamEvent]:
        """The text, and the thoughts, in a content: one text, or parts of several types."""
        if isinstance(content, str):
            yield from self._whole(TextDelta, content)
            return
        for part in content if isinstance(content, list) else [content]:
            is_thought = isinstance(part, Mapping) and (part.get("type") in _THOUGHTS or part.get("thought"))
            yield from self._deltas(ReasoningDelta if is_thought else TextDelta, part)

    def think(self, content: Any) -> Iterator[StreamEvent]:
        yield from self._deltas(ReasoningDelta, content)

    def call(
        self, *, key: Any = None, call_id: Any = "", name: Any = "", arguments: Any = None, signature: str = ""
    ) -> Iterator[StreamEvent]:
        """A piece of a call of a tool, or the whole of it. Raises ``StreamBroken`` for arguments of another type."""
        number = key if isinstance(key, int | str) else None
        told = {"call_id": name_of(call_id), "name": name_of(name), "signature": signature}
        for delta in self.calls.piece(key=number, arguments=arguments, **told):
            self.shown = True
            yield delta

    def _deltas(self, kind: type[TextDelta] | type[ReasoningDelta], content: Any) -> Iterator[StreamEvent]:
        for text in texts_of(content):
            yield from self._whole(kind, text)

    def _whole(self, kind: type[TextDelta] | type[ReasoningDelta], text: str) -> Iterator[StreamEvent]:
        """The text, of which the first half of a character waits for the other one in the next piece."""
        text, self._halves[kind] = whole_text(self._halves[kind], text)
        if text:
            self.shown = self.shown or kind is TextDelta
            yield kind(text)

    def _complain(self, about: str, what: Any) -> None:
        """Log what could not be read, once for an answer; mistakes of our own always, with their traceback."""
        own = what if isinstance(what, Exception) and not is_from_outside(what) else None
        if own or not self._complained:
            self._complained = True
            log.warning("unreadable_answer", about=about, chunk=repr(what)[:_LOGGED_CHARACTERS], exc_info=own)


def name_of(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def text_holder(value: Any) -> Mapping[str, Any]:
    """A mapping that may hold text, where None holds none. Raises ``StreamBroken`` for anything else."""
    if value is None or isinstance(value, dict):
        return value or {}
    raise StreamBroken("The provider sent a chunk of an unknown shape.")


def first_of(values: Any) -> Mapping[str, Any]:
    """The first of several mappings that may hold text. Raises ``StreamBroken`` for anything else."""
    return text_holder(values[0] if isinstance(values, list) and values else values or None)


def texts_of(content: Any, *, depth: int = 8) -> Iterator[str]:
    """The texts in parts of content. Raises ``StreamBroken`` where a text is something else."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list) and depth:
        for part in content:
            yield from texts_of(part, depth=depth - 1)
    else:
        part = text_holder(content if depth else object())
        inner = next((part[name] for name in _HOLDS_TEXT if part.get(name)), None)
        if inner is not None:
            yield from texts_of(inner, depth=depth - 1)
