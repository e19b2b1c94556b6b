"""Tokens in disjoint classes, from answers as the providers write them."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import pytest

from inference.providers.base import FinishReason, Usage
from inference.providers.errors import ContentFiltered
from inference.tests.fake_provider import FakeProvider, Script
from inference.tests.providers.calls import collect, collect_failure, finished, reasoning, request, text, usage

SAMPLES = Path(__file__).parent / "samples"


def sample(fake: FakeProvider, name: str) -> str:
    fake.script(name, Script(((SAMPLES / f"{name}.sse").read_bytes(),), headers={"x-request-id": "req_header"}))
    return name


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        ("openai", "openai_cached", Usage(input=86, cache_read=1920, output=300, service_tier="default")),
        ("openai", "openai_reasoning", Usage(input=16, cache_write=5, output=18, reasoning=512)),
        (
            "openai",
            "openai_compatible",
            Usage(input=8, cache_read=4, output=3, reasoning=6, cost_usd="0.0000135"),
        ),
        ("groq", "groq", Usage(input=16, cache_read=64, output=12, reasoning=18)),
        (
            "anthropic",
            "anthropic",
            Usage(input=25, cache_read=2000, cache_write=300, output=30, reasoning=60, service_tier="standard"),
        ),
        ("gemini", "gemini", Usage(input=120, cache_read=1000, output=12, reasoning=50)),
        ("huggingface", "huggingface", Usage(input=17, output=2)),
    ],
)
async def test_it_counts_each_token_once(fake: FakeProvider, provider: str, name: str, expected: Usage) -> None:
    events = await collect(provider, request(sample(fake, name)), fake.base_url(provider))
    assert usage(events) == expected


@pytest.mark.parametrize(
    ("provider", "name", "said", "thought"),
    [
        ("openai", "openai_compatible", "Yes.", "Let me see. "),
        ("groq", "groq", "Hi.", "Short thought."),
        ("anthropic", "anthropic", "Hello!", "The user greets."),
        ("gemini", "gemini", "Two parts.", "**Weighing it**"),
    ],
)
async def test_it_keeps_thoughts_apart(fake: FakeProvider, provider: str, name: str, said: str, thought: str) -> None:
    events = await collect(provider, request(sample(fake, name)), fake.base_url(provider))
    assert (text(events), reasoning(events)) == (said, thought)


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        ("openai", "openai_cached", (FinishReason.STOP, "gpt-4o-2024-08-06", "chatcmpl-C1", "req_header")),
        ("openai", "openai_reasoning", (FinishReason.LENGTH, "gpt-5-2025-08-07", "chatcmpl-R1", "req_header")),
        ("groq", "groq", (FinishReason.STOP, "openai/gpt-oss-20b", "chatcmpl-G1", "req_header")),
        ("gemini", "gemini", (FinishReason.STOP, "gemini-2.5-flash", "resp-1", "")),
    ],
)
async def test_it_tells_who_answered(
    fake: FakeProvider, provider: str, name: str, expected: tuple[FinishReason, str, str, str]
) -> None:
    events = await collect(provider, request(sample(fake, name)), fake.base_url(provider))
    assert astuple(finished(events)) == expected


async def test_it_takes_groqs_request_id_from_the_stream_where_no_header_has_it(fake: FakeProvider) -> None:
    events = await collect("groq", request("words-1"), fake.base_url("groq"))
    assert finished(events).request_id == "req_fake"


async def test_it_counts_a_prompt_that_was_blocked(fake: FakeProvider) -> None:
    events, error = await collect_failure("gemini", request(sample(fake, "gemini_blocked")), fake.base_url("gemini"))
    assert type(error) is ContentFiltered
    assert usage(events) == Usage(input=9)


async def test_it_tells_what_was_known_of_an_answer_that_broke(fake: FakeProvider) -> None:
    events, _ = await collect_failure("anthropic", request("no-finish"), fake.base_url("anthropic"))
    assert usage(events) == Usage(input=7, output=1)
