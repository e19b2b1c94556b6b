"""What providers have really reported is read and priced as genai-prices expects it, or it is said here why not."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from inference.providers.anthropic import MessageParser
from inference.providers.base import Usage
from inference.providers.chat_completions import ChatCompletionParser
from inference.providers.gemini import CandidateParser
from telemetry.pricing import FEES, Receipt, TokenCounts, price

CASES = json.loads((Path(__file__).parent / "cases/usages.json").read_text())["cases"]
# Before gpt-5.6-sol became cheaper, which the expectations do not know.
AT = datetime(2026, 7, 15, 12, tzinfo=UTC)
EMBEDDINGS = "Bodies of the other protocols, read as if they were embeddings: AISTRALE makes no such calls."
VERTEX = "The price list has since learned of the tier above 200,000 tokens of Claude on Vertex."
THOUGHTS = "The total names more tokens than the parts. They are billed, so they count as reasoning, with a note."
DIFFERENT = {
    **{(f"claude-sonnet-4-5-20250929 {tokens}", "google"): VERTEX for tokens in (401_468, 494_549)},
    **{(f"gemini-2.5-pro-preview-05-06 {tokens}", "google"): THOUGHTS for tokens in (35, 66)},
}


def read(provider: str, protocol: str, usage: Any) -> Usage:
    if "anthropic" in (provider, protocol):
        parser: Any = MessageParser()
        list(parser.read("message_start", {"message": {"usage": usage}}))
    elif (provider, protocol) == ("google", "default"):
        parser = CandidateParser()
        list(parser.read("", {"usageMetadata": usage}))
    else:
        parser = ChatCompletionParser()
        list(parser.read("", {"usage": usage}))
    found: Usage = parser.usage()
    return found


def receipt_of(provider: str, model: str, usage: Usage) -> Receipt | None:
    ours = {"google": "gemini"}.get(provider, provider)
    if provider.startswith("huggingface_"):
        ours, model = "huggingface", f"{model}:{provider.removeprefix('huggingface_')}"
    tokens = TokenCounts(usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)
    return price(tokens, provider=ours, model=model, at=AT, parts=usage.parts, service_tier=usage.service_tier)


def test_it_costs_what_is_expected() -> None:
    seen: Counter[str] = Counter()
    for case in CASES:
        for provider, protocol, input_price, output_price, *total in case["prices"]:
            usage = read(provider, protocol, case["usage"])
            receipt = receipt_of(provider, case["model"], usage)
            expected = Decimal(total[0]) if total else Decimal(input_price) + Decimal(output_price)
            why = DIFFERENT.get((f"{case['model']} {usage.input}", provider), "")
            if protocol == "embeddings":
                why = EMBEDDINGS
            if why:
                assert receipt is None or receipt.total != expected or protocol == "embeddings", why
            else:
                assert receipt is not None and receipt.total == expected, (case, provider, receipt)
            seen[why] += 1
    assert seen == {"": 957, EMBEDDINGS: 78, VERTEX: 2, THOUGHTS: 2}


def test_it_names_the_tokens_that_only_a_total_tells_of() -> None:
    usage = read("google", "chat", {"completion_tokens": 12, "prompt_tokens": 35, "total_tokens": 109})
    assert usage.reasoning == 62 and "62 more tokens" in usage.note


def test_every_class_adds_up_to_what_was_reported() -> None:
    for case in CASES:
        usage = case["usage"]
        if "totalTokenCount" in usage:
            found = read("google", "default", usage)
            counted = found.input + found.cache_read + found.output + found.reasoning
            assert counted == usage["totalTokenCount"] or found.note, case
            assert sum(found.parts.values()) <= counted


@pytest.mark.parametrize(
    ("provider", "model", "tier", "share"),
    [
        ("openai", "gpt-5", "default", 1),
        ("openai", "gpt-5", "flex", Decimal("0.5")),
        ("openai", "gpt-5", "batch", Decimal("0.5")),
        ("openai", "gpt-5", "priority", None),
        ("anthropic", "claude-sonnet-4-5", "standard", 1),
        ("anthropic", "claude-sonnet-4-5", "batch", Decimal("0.5")),
        ("groq", "llama-3.1-8b-instant", "flex", 1),
    ],
)
def test_it_knows_the_price_of_a_service_tier_or_that_it_does_not(
    provider: str, model: str, tier: str, share: Decimal | None
) -> None:
    tokens = TokenCounts(input=1000, output=100)
    usual = price(tokens, provider=provider, model=model, at=AT)
    tiered = price(tokens, provider=provider, model=model, at=AT, service_tier=tier)
    assert usual is not None
    if share is None:
        assert tiered is None
    else:
        assert tiered is not None and tiered.total == usual.total * share


def test_it_bills_an_hour_in_the_cache_apart_from_minutes() -> None:
    cached = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}
    usage = read("anthropic", "default", {"input_tokens": 1, "cache_creation": cached, "output_tokens": 1})
    receipt = receipt_of("anthropic", "claude-sonnet-4-5", usage)
    assert receipt is not None
    lines = {line.usage_class: (line.tokens, line.unit_price) for line in receipt.lines}
    assert lines["cache_write"] == (100, Decimal("3.75")) and lines["cache_write_1h"] == (200, Decimal(6))


def test_it_bills_what_is_billed_by_the_piece() -> None:
    receipt = price(
        TokenCounts(input=1000, output=10),
        provider="openai",
        model="sonar",
        base_url="https://api.perplexity.ai",
        at=AT,
    )
    assert receipt is not None
    assert [(line.usage_class, line.amount) for line in receipt.lines if line.usage_class in FEES] == [
        ("requests", Decimal("0.012"))
    ]
