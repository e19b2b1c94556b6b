"""Parameters that several providers take, and the messages in OpenAI's form."""

from __future__ import annotations

from typing import Any

from inference.providers.base import ChatRequest, Parameter

TEMPERATURE = Parameter(
    "temperature", "Temperature", "Higher is more varied, lower more predictable.", "float", 0, 2, step=0.1
)
TOP_P = Parameter("top_p", "Top P", "Choose among the likeliest words of this total probability.", "float", 0, 1, 0.05)
MAX_TOKENS = Parameter("max_tokens", "Max tokens", "The longest answer, in tokens.", "int", 1, 1_000_000, 1)
MAX_COMPLETION_TOKENS = Parameter(
    "max_completion_tokens", "Max tokens", "The longest answer with its reasoning, in tokens.", "int", 1, 1_000_000, 1
)
STOP = Parameter("stop", "Stop sequences", "The answer ends before any of these texts.", "text_list")
SEED = Parameter("seed", "Seed", "The same seed gives similar answers again.", "int", 0, 2**31 - 1, 1)
FREQUENCY_PENALTY = Parameter(
    "frequency_penalty", "Frequency penalty", "Above 0, words used often become rarer.", "float", -2, 2, 0.1
)
PRESENCE_PENALTY = Parameter(
    "presence_penalty", "Presence penalty", "Above 0, words used before become rarer.", "float", -2, 2, 0.1
)


def effort(choices: tuple[str, ...]) -> Parameter:
    help_text = "How much the model thinks before it answers."
    return Parameter("reasoning_effort", "Reasoning effort", help_text, "choice", choices=choices)


def top_k(highest: int) -> Parameter:
    return Parameter("top_k", "Top K", "Choose among this many likeliest words.", "int", 1, highest, 1)


def messages(request: ChatRequest) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in request.messages]


def body(request: ChatRequest) -> dict[str, Any]:
    """What a call in OpenAI's form adds to the model's name, for ``extra_body``.

    Given as keywords, an SDK walks through every message for keys to rename, which delays the first token by 0.1
    to 0.2 ms for each message of the conversation.
    """
    system = [{"role": "system", "content": request.system}] if request.system else []
    return {
        "messages": [*system, *messages(request)],
        "stream_options": {"include_usage": True},
        **request.parameters,
    }
