"""The sandbox: an offline adapter that needs no key, costs nothing and answers with what it was told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from itertools import cycle, islice

from inference.providers.base import (
    ChatRequest,
    Finished,
    FinishReason,
    ModelInfo,
    Parameter,
    StreamEvent,
    TextDelta,
    Usage,
)

MODEL = "echo"

_DELAY_MS = Parameter("delay_ms", "Delay", "Milliseconds between two words.", "int", 0, 2000, 1, default=20)
_LENGTH = Parameter("length", "Length", "Words in the answer; repeats or cuts it to fit.", "int", 1, 10_000, 1)
_FILLER = "The sandbox goes on, word after word, so that a long answer can be watched, stopped and read again. "


async def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    delay = int(str(request.parameters.get("delay_ms", 20))) / 1000
    length = request.parameters.get("length")
    words = _words(_answer(request))
    if length is not None:
        words = list(islice(_endless(words), int(str(length))))
    for word in words:
        await asyncio.sleep(delay)
        yield TextDelta(word)
    spoken = " ".join([request.system, *(message.text for message in request.messages)])
    yield Usage(input=len(spoken.split()), output=len(words))
    yield Finished(FinishReason.STOP, model=MODEL, response_id="sandbox")


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _endless(words: list[str]) -> Iterator[str]:
    yield from words
    yield "\n\n"
    yield from cycle(_words(_FILLER))


def _answer(request: ChatRequest) -> str:
    said = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", said)), default=0))
    turns = sum(message.role == "user" for message in request.messages)
    instruction = " It has a system prompt, which the sandbox reads but does not obey." if request.system else ""
    return (
        f"**This is the sandbox.** No model was called and nothing was spent.{instruction} "
        f"You wrote {len(said.split())} words in turn {turns} of this conversation:\n\n"
        f"{fence}text\n{said}\n{fence}\n\n"
        "Add a token of a provider to talk to a real model; everything else works the same:\n\n"
        "- the answer streams word by word and can be stopped\n"
        "- the call is recorded with its tokens, times and cost\n"
        "- a reload in mid-answer goes on where it was\n"
    )


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    return [ModelInfo(MODEL, context_tokens=100_000)]


async def check(*, api_key: str, base_url: str | None) -> None:
    """There is no key to prove."""


def parameters(model: str) -> tuple[Parameter, ...]:
    return (_DELAY_MS, _LENGTH)
