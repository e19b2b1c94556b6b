"""What was said in a call, in three ways: rendered, as it was, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from telemetry.call_page import hooks
from telemetry.context import SentMessage
from telemetry.models import Generation, GenerationContent
from telemetry.said import Said, call_cards, sent_cards

WAYS = {"": "Rendered", "raw": "Raw", "json": "JSON"}
# So many of the last turns are open, and so many characters at most are rendered, counted from the end.
OPEN = 6
MOST_RENDERED = 60_000
PEEK = 160
_SPOKEN = {"User": "question", "Assistant": "answer", "Output": "answer"}


@dataclass(frozen=True, slots=True)
class Turn:
    """``html``: safe, or '' where the text is shown as it is."""

    said: Said
    html: str = ""
    is_open: bool = False

    @property
    def peek(self) -> str:
        return " ".join(self.said.text[: 2 * PEEK].split())[:PEEK]


def output_cards(content: GenerationContent) -> Iterator[Said]:
    if content.reasoning_text:
        yield Said("Reasoning", content.reasoning_text)
    if content.response_text:
        yield Said("Output", content.response_text)
    yield from call_cards(content.tool_calls)


def turns_of(sent: Sequence[SentMessage], content: GenerationContent) -> list[Turn]:
    turns = [Turn(card) for card in (*sent_cards(sent), *output_cards(content))]
    left, spoken = MOST_RENDERED, 0
    for place in range(len(turns) - 1, -1, -1):
        kind, size = _SPOKEN.get(turns[place].said.who), len(turns[place].said.text)
        left -= size
        if kind is None:
            continue
        spoken += 1
        render = hooks.answer_html if kind == "answer" else hooks.question_html
        html = render(turns[place].said.text) if left >= 0 else ""
        turns[place] = replace(turns[place], html=html, is_open=spoken <= OPEN)
    return turns


def question_of(sent: Sequence[SentMessage]) -> str:
    """The beginning of what was asked last, in one line; '' where nothing was."""
    asked = next((message.text for message in reversed(sent) if message.role == "user"), "")
    return " ".join(asked[: 2 * PEEK].split())[:PEEK]


def as_json(call: Generation, sent: Sequence[SentMessage], content: GenerationContent) -> str:
    written: dict[str, Any] = {
        "id": str(call.pk),
        "provider": call.provider,
        "model": call.request_model,
        "parameters": call.parameters,
        "input": [_message(message) for message in sent],
        "output": {
            "text": content.response_text,
            "reasoning": content.reasoning_text,
            "tool_calls": [_without_signature(one) for one in content.tool_calls],
        },
        "finish_reason": call.finish_reason,
    }
    return json.dumps(written, ensure_ascii=False, indent=2)


def _message(message: SentMessage) -> dict[str, Any]:
    extra = json.loads(message.extra) if message.extra else {}
    if "tool_calls" in extra:
        extra["tool_calls"] = [_without_signature(one) for one in extra["tool_calls"]]
    if message.role in ("tools", "schema"):
        return {"role": message.role, "content": json.loads(message.text)}
    return {"role": message.role, "content": message.text, **extra}


def _without_signature(call: Mapping[str, Any]) -> dict[str, Any]:
    """What a provider has signed is for it alone."""
    return {name: value for name, value in call.items() if name != "signature"}
