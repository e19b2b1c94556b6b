"""The sandbox: an offline adapter that needs no key, costs nothing and answers with what it was told.

Where tools are offered, it calls the first one, with arguments made from its schema, and then repeats what the tool
has said. Where a response schema is given, its answer follows it, as far as the schema is a simple one. Some
questions have an answer of their own: see ``echo_samples``.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from itertools import cycle, islice, takewhile
from uuid import uuid4

from inference.providers.base import (
    Abilities,
    Attachment,
    ChatRequest,
    Finished,
    FinishReason,
    ModelInfo,
    Parameter,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from inference.providers.echo_samples import SAMPLES
from inference.providers.schema_samples import sample_of

MODEL = "echo"

_DELAY_MS = Parameter("delay_ms", "Delay", "Milliseconds between two words.", "int", 0, 2000, 1, default=20)
_LENGTH = Parameter("length", "Length", "Words in the answer; repeats or cuts it to fit.", "int", 1, 10_000, 1)
_FILLER = "The sandbox goes on, word after word, so that a long answer can be watched, stopped and read again. "


async def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent, None]:
    delay = int(str(request.parameters.get("delay_ms", 20))) / 1000
    wants_tool = bool(request.tools) and request.messages[-1].role == "user"
    sample = None if wants_tool or request.response_schema else SAMPLES.get(_last_question(request).strip())
    for word in _words(sample.reasoning) if sample else []:
        await asyncio.sleep(delay)
        yield ReasoningDelta(word)
    words = _words(_arguments(request)) if wants_tool else _said(request)
    for place, word in enumerate(words):
        await asyncio.sleep(delay)
        if wants_tool and place == 0:
            yield ToolCallDelta(0, word, id=f"call_{uuid4().hex[:12]}", name=request.tools[0].name)
        else:
            yield ToolCallDelta(0, word) if wants_tool else TextDelta(word)
    spoken = " ".join([request.system, *(message.text for message in request.messages)])
    thought = len(_words(sample.reasoning)) if sample else 0
    yield Usage(input=len(spoken.split()), output=len(words), reasoning=thought)
    reason = FinishReason.TOOL_CALLS if wants_tool else FinishReason.STOP
    yield Finished(reason, model=MODEL, response_id="sandbox")


def _arguments(request: ChatRequest) -> str:
    given = sample_of(request.tools[0].parameters, _last_question(request))
    return json.dumps(given if isinstance(given, dict) else {}, ensure_ascii=False)


def _said(request: ChatRequest) -> list[str]:
    if request.response_schema is not None:
        followed = sample_of(request.response_schema, _last_question(request))
        return _words(json.dumps(followed, ensure_ascii=False, indent=2))
    if request.messages[-1].role == "tool":
        return _words(_answer_to_results(request))
    sample = SAMPLES.get(_last_question(request).strip())
    words = _words(sample.text if sample else _answer(request))
    length = request.parameters.get("length")
    return words if length is None else list(islice(_endless(words), int(str(length))))


def _answer_to_results(request: ChatRequest) -> str:
    results = list(takewhile(lambda message: message.role == "tool", reversed(request.messages)))[::-1]
    quoted = "\n\n".join(f"`{message.tool_name}` has returned:\n\n{_fenced(message.text)}" for message in results)
    return f"**This is the sandbox.** A real model would go on from here.\n\n{quoted}\n"


def _last_question(request: ChatRequest) -> str:
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def _fenced(text: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _endless(words: list[str]) -> Iterator[str]:
    yield from words
    yield "\n\n"
    yield from cycle(_words(_FILLER))


def _answer(request: ChatRequest) -> str:
    said = _last_question(request)
    turns = sum(message.role == "user" for message in request.messages)
    instruction = " It has a system prompt, which the sandbox reads but does not obey." if request.system else ""
    files = "".join(f"- {_described(file)}\n" for file in _files(request))
    received = f"With it came:\n\n{files}\n" if files else ""
    return (
        f"**This is the sandbox.** No model was called and nothing was spent.{instruction} "
        f"You wrote {len(said.split())} words in turn {turns} of this conversation:\n\n"
        f"{_fenced(said)}\n\n{received}"
        "Add a provider key to talk to a real model; everything else works the same:\n\n"
        "- the answer streams word by word and can be stopped\n"
        "- the call is recorded with its tokens, times and cost\n"
        "- a reload continues a running answer where it was\n"
    )


def _files(request: ChatRequest) -> tuple[Attachment, ...]:
    return next((message.attachments for message in reversed(request.messages) if message.role == "user"), ())


def _described(file: Attachment) -> str:
    name = file.name.replace("`", "'")
    return f"`{name}`, {file.media_type}, {len(file.content):,} bytes"


async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]:
    return [ModelInfo(MODEL, context_tokens=100_000)]


async def check(*, api_key: str, base_url: str | None) -> None:
    """There is no key to prove."""


def parameters(model: str) -> tuple[Parameter, ...]:
    return (_DELAY_MS, _LENGTH)


def abilities(model: str) -> Abilities:
    return Abilities()
