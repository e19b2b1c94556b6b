"""Answers as servers have really been seen to send them, and what must come of each."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from inference.providers.base import ChatMessage, ChatRequest, Timeouts
from inference.providers.errors import ProviderError
from inference.providers.registry import get_adapter
from inference.runs.run import RetryPolicy, Run
from inference.runs.start import PreparedRun
from inference.runs.stream_buffer import LiveRun
from inference.tests.fake_provider import FakeProvider, Fault, Script, Step, as_json
from inference.tests.providers.calls import KEY
from telemetry.services import CallOutcome

CASES = json.loads((Path(__file__).parent / "providers/cases/wire.json").read_text())
# Pauses are shortened by this, and so are the limits.
PACE = 40
LIMITS = Timeouts(connect=10, first_token=60 / PACE, between_tokens=30 / PACE, total=60)


def script_of(case: dict[str, Any]) -> Script:
    steps: list[Step] = [part.encode() if isinstance(part, str) else part / PACE for part in case["parts"]]
    stays_open: list[Step] = [Fault.HANG] if case["then_stays_open_seconds"] else []
    return Script((*steps, *stays_open), status=case["status"], content_type=case["content_type"])


async def outcome_of(fake: FakeProvider, case: dict[str, Any]) -> CallOutcome:
    fake.script(case["name"], script_of(case))
    limits = replace(LIMITS, between_tokens=60) if case["then_stays_open_seconds"] else LIMITS
    order = PreparedRun(
        generation_id=uuid4(),
        provider=case["adapter"],
        base_url=fake.base_url(case["adapter"]),
        request=ChatRequest(case["name"], (ChatMessage("user", "Hi"),), timeouts=limits),
        api_key=KEY,
    )
    live = LiveRun(order.generation_id, on_change=lambda: None)
    return await Run(order, live, RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.05)).outcome()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES["cases"]])
async def test_nothing_is_lost_of(fake: FakeProvider, case: dict[str, Any]) -> None:
    outcome = await outcome_of(fake, case)
    expected = case["expected"]
    assert outcome.status == expected["status"]
    for told in ("text", "reasoning", "error_type"):
        if told in expected:
            assert getattr(outcome, told) == expected[told]
    if "usage" in expected:
        assert outcome.tokens and not outcome.tokens_are_estimated
        assert {name: count for name, count in asdict(outcome.tokens).items() if count} == expected["usage"]
    if "cost_usd" in expected:
        assert outcome.reported_cost_usd == expected["cost_usd"]
    assert expected.get("error_says", "") in outcome.error_message
    assert expected.get("error_says_too", "") in outcome.error_message
    assert (len(outcome.attempts) > 1) == (expected.get("error_type") in ("overloaded", "rate_limited"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES["model_lists"]])
async def test_it_lists_what_can_be_used_of(case: dict[str, Any]) -> None:
    with FakeProvider() as fake:
        fake.script("", as_json(case["body"]))
        listing = get_adapter("openai").list_models(api_key=KEY, base_url=fake.base_url("openai"))
        try:
            models: object = [model.id for model in await listing]
        except ProviderError as error:
            models = f"failed, says: {error.message}"
    assert models == case["expected"]
