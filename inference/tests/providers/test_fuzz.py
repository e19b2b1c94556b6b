"""Recorded streams of every protocol, cut, repeated, reordered, retyped and truncated at every place.

Whatever comes: no hang, no exception but ``ProviderError``, the text is the beginning of what was sent, and so are
the arguments of each call.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from inference.providers.anthropic import MessageParser
from inference.providers.base import StreamEvent, TextDelta, Timeouts, ToolCall, Usage
from inference.providers.chat_completions import ChatCompletionParser
from inference.providers.errors import ProviderError, StreamBroken
from inference.providers.gemini import CandidateParser
from inference.providers.sse import END, EventReader
from inference.providers.stream_parser import StreamParser
from inference.providers.timeouts import Limits
from inference.tests.providers.calls import reasoning, text, tool_calls

SAMPLES = Path(__file__).parent / "samples"
PARSERS: dict[str, type[StreamParser]] = {
    "openai_cached": ChatCompletionParser,
    "openai_compatible": ChatCompletionParser,
    "openai_reasoning": ChatCompletionParser,
    "groq": ChatCompletionParser,
    "huggingface": ChatCompletionParser,
    "anthropic": MessageParser,
    "gemini": CandidateParser,
    "openai_tools": ChatCompletionParser,
    "anthropic_tools": MessageParser,
    "gemini_tools": CandidateParser,
}
OTHER_TYPES: tuple[Any, ...] = (None, True, 7, -1, 1.5, "text", "", [], [None], [[]], {}, {"text": 5}, {"a": {"b": []}})

on_every_sample = pytest.mark.parametrize("sample", sorted(PARSERS))


class Recording:
    """A response whose body arrives in pieces of any size."""

    def __init__(self, body: bytes, sizes: random.Random) -> None:
        self._body, self._sizes = body, sizes

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        start = 0
        while start < len(self._body):
            size = self._sizes.choice((1, 3, 50, 4000))
            yield self._body[start : start + size]
            start += size


class Played(NamedTuple):
    """What came of a stream; ``failure`` is the error at its end if there is one."""

    said: str
    thought: str
    usage: Usage | None
    failure: ProviderError | None
    calls: list[ToolCall]


async def play(sample: str, body: bytes, chance: random.Random) -> Played:
    """Anything else than ``ProviderError`` that is raised fails the test."""
    events: list[StreamEvent] = []
    failure = None
    limits = Limits(Timeouts(first_token=5, between_tokens=5, total=10))
    try:
        async for event in PARSERS[sample]().read_all(Recording(body, chance), limits):
            events.append(event)
    except ProviderError as error:
        failure = error
    usages = [event for event in events if isinstance(event, Usage)]
    return Played(text(events), reasoning(events), usages[-1] if usages else None, failure, tool_calls(events))


def recorded(sample: str) -> bytes:
    return (SAMPLES / f"{sample}.sse").read_bytes()


def payloads_of(body: bytes) -> list[tuple[str, Any]]:
    reader = EventReader()
    return list(chain(reader.feed(body), reader.close()))


def as_stream(payloads: list[tuple[str, Any]]) -> bytes:
    def data(payload: Any) -> str:
        return "[DONE]" if payload is END else json.dumps(payload)

    return "".join(f"event: {name}\ndata: {data(payload)}\n\n" for name, payload in payloads).encode()


def text_sent(sample: str, payloads: list[tuple[str, Any]]) -> str:
    """What payloads of a good shape say, each read by itself."""
    said = ""
    for name, payload in payloads:
        try:
            events = list(PARSERS[sample]().events(name, payload))
        except StreamBroken:
            break
        said += "".join(event.text for event in events if isinstance(event, TextDelta))
    return said


@on_every_sample
async def test_it_reads_the_beginning_of_a_stream_that_ends_anywhere(sample: str) -> None:
    whole, chance = recorded(sample), random.Random(1)
    said_in_all, thoughts, usage, failure, calls = await play(sample, whole, chance)
    assert failure is None
    for end in range(0, len(whole), 1 if len(whole) < 2000 else 7):
        said, thought, counted, _, begun = await play(sample, whole[:end], chance)
        assert said_in_all.startswith(said)
        assert thoughts.startswith(thought)
        assert counted is None or usage is not None and counted.input <= usage.input + usage.cache_read
        for call, came in zip(calls, begun, strict=False):
            assert came.name == call.name
            assert call.arguments.startswith(came.arguments)
        assert len(begun) <= len(calls)


def repeated(payloads: list[tuple[str, Any]], chance: random.Random) -> list[tuple[str, Any]]:
    place = chance.randrange(len(payloads))
    return [*payloads[: place + 1], *payloads[place:]]


def reordered(payloads: list[tuple[str, Any]], chance: random.Random) -> list[tuple[str, Any]]:
    return chance.sample(payloads, len(payloads))


def left_out(payloads: list[tuple[str, Any]], chance: random.Random) -> list[tuple[str, Any]]:
    place = chance.randrange(len(payloads))
    return [*payloads[:place], *payloads[place + 1 :]]


@on_every_sample
@pytest.mark.parametrize("mutate", [repeated, reordered, left_out])
async def test_it_reads_the_text_as_it_came(
    sample: str, mutate: Callable[[list[tuple[str, Any]], random.Random], list[tuple[str, Any]]]
) -> None:
    chance = random.Random(2)
    for _ in range(60):
        payloads = mutate(payloads_of(recorded(sample)), chance)
        said, *_ = await play(sample, as_stream(payloads), chance)
        assert text_sent(sample, payloads).startswith(said)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    first, *rest = path
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = with_other(value[first], tuple(rest), other)
    return copy


@on_every_sample
async def test_it_survives_another_type_at_every_place(sample: str) -> None:
    payloads, chance = payloads_of(recorded(sample)), random.Random(3)
    places_of_all = [
        (number, path) for number, (_, payload) in enumerate(payloads) if payload is not END for path in places(payload)
    ]
    for number, path in chance.sample(places_of_all, min(len(places_of_all), 150)):
        name, payload = payloads[number]
        changed = with_other(payload, path, chance.choice(OTHER_TYPES))
        mutated = [*payloads[:number], (name, changed), *payloads[number + 1 :]]
        said, _, usage, *_ = await play(sample, as_stream(mutated), chance)
        assert text_sent(sample, mutated).startswith(said)
        assert usage is None or min(usage.input, usage.output, usage.reasoning, usage.cache_read) >= 0
