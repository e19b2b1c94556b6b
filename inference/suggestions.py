"""Which of many models to begin with, so that a first question needs no choice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# The series of each provider that answers well and quickly at a moderate price (2026-11). Numbers are left open.
_SERIES: Mapping[str, re.Pattern[str]] = {
    "openai": re.compile(r"gpt-[\d.]+-mini"),
    "anthropic": re.compile(r"claude-sonnet-[\d-]+"),
    "gemini": re.compile(r"gemini-[\d.]+-flash"),
    "groq": re.compile(r"openai/gpt-oss-\d+b|llama-[\d.]+-\d+b-versatile"),
}


def suggested(provider: str, models: Sequence[str]) -> str:
    """The newest of the provider's series, else the first by name; empty where there are none."""
    series = _SERIES.get(provider)
    known = [model for model in models if series and series.fullmatch(model)]
    return max(known, key=_numbers) if known else min(models, default="")


def _numbers(model: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", model)]
