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


def messages(request: ChatRequest) -> Any:
    """Role and content of each turn; typed Any because every SDK names its own union for it."""
    return [{"role": message.role, "content": message.text} for message in request.messages]


def messages_with_system(request: ChatRequest) -> Any:
    system = [{"role": "system", "content": request.system}] if request.system else []
    return [*system, *messages(request)]
