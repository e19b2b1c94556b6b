"""How long readers of server-sent events take for one chunk of an answer: ours, and those of the SDKs.

Ours decodes the JSON in the same pass; the others hand out text, which is decoded as their SDKs do it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import anthropic._streaming
import openai._streaming
import orjson

from inference.providers.sse import EventReader
from inference.tests.wire import OpenAI

EVENT = OpenAI().delta("word ")
EVENTS = 20_000
ROUNDS = 7


def ours() -> int:
    reader = EventReader()
    return sum(1 for _ in range(EVENTS) for _ in reader.feed(EVENT))


def of_sdk(new_decoder: Callable[[], openai._streaming.SSEDecoder], loads: Callable[[str], object]) -> int:
    decoder, count = new_decoder(), 0
    for _ in range(EVENTS):
        for line in EVENT.decode().splitlines():
            if event := decoder.decode(line):
                loads(event.data)
                count += 1
    return count


READERS: dict[str, Callable[[], int]] = {
    "EventReader": ours,
    "openai, its own json": lambda: of_sdk(openai._streaming.SSEDecoder, json.loads),
    "openai, with orjson": lambda: of_sdk(openai._streaming.SSEDecoder, orjson.loads),
    "anthropic, its own json": lambda: of_sdk(anthropic._streaming.SSEDecoder, json.loads),  # type: ignore[arg-type]
}


def microseconds(read: Callable[[], int]) -> float:
    started = time.perf_counter()
    if read() != EVENTS:
        raise AssertionError("an event was lost")
    return (time.perf_counter() - started) / EVENTS * 1e6


def main() -> None:
    """By turns, so that a noisy machine is noisy for all alike; the best of each counts."""
    rounds = [[microseconds(read) for read in READERS.values()] for _ in range(ROUNDS)]
    for name, times in zip(READERS, zip(*rounds, strict=True), strict=True):
        print(f"{name:24} {min(times):5.2f} us an event")


if __name__ == "__main__":
    main()
