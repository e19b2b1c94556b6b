"""The page of one call."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.models import User
from audit.models import AuditEvent
from telemetry.actions import TelemetryAction
from telemetry.call_page.waterfall import waterfall_of
from telemetry.context import SentMessage, canonical
from telemetry.models import Generation, GenerationContent, PriceOverride, Status
from telemetry.pricing import TokenCounts
from telemetry.prompt_use import PromptUse
from telemetry.readable_json import indented
from telemetry.report import attempts_of, exact_dollars

Make = Callable[..., Generation]
ClientOf = Callable[[User], Client]


def page_of(generation: Generation, client: Client) -> str:
    return client.get(generation.get_absolute_url()).content.decode()


@pytest.fixture
def ended(start: Make, finish: Make, alice: User) -> Generation:
    began = timezone.now()
    return finish(
        start(user=alice, provider="groq", model="llama-3"),
        text="Good day.",
        reasoning="A greeting is due.",
        tokens=TokenCounts(input=1000, cache_read=200, cache_write=30, output=400, reasoning=50),
        reported_cost_usd="0.00042",
        finish_reason="stop",
        response_model="llama-3.1-8b",
        response_id="resp-1",
        provider_request_id="req-1",
        first_token_at=began,
        attempts=(
            {
                "started_at": (began + timedelta(seconds=2)).isoformat(),
                "seconds": 1.5,
                "error_type": "rate_limited",
                "status": 429,
                "message": "Slow down, please.",
                "wait_seconds": 4.0,
            },
            {"started_at": (began + timedelta(seconds=7)).isoformat(), "seconds": 2.25},
        ),
    )


def test_it_shows_its_owner_everything(ended: Generation, alice: User, client_of: ClientOf) -> None:
    page = page_of(ended, client_of(alice))
    for text in (
        str(ended.pk),
        str(ended.conversation_id),
        "llama-3.1-8b",
        "resp-1",
        "req-1",
        "temperature",
        "Team key",
        "Be brief.",
        "Hello?",
        "Good day.",
        "A greeting is due.",
        "1,230 ",
        "450 ",
        "$0.00042",
    ):
        assert text in page


def test_it_shows_attempts(ended: Generation, alice: User, client_of: ClientOf) -> None:
    first, second = attempts_of(ended)
    assert (first.error_type, first.status, first.wait, second.error_type) == ("rate_limited", 429, 4.0, "")
    assert second.offset - first.offset == pytest.approx(5)
    page = page_of(ended, client_of(alice))
    assert "429 Rate limited" in page and "2 attempts" in page


@pytest.mark.parametrize("path", ["", "?x=1"])
def test_it_hides_the_calls_of_others_as_if_they_were_missing(
    ended: Generation, charlie: User, client_of: ClientOf, path: str
) -> None:
    client = client_of(charlie)
    url = ended.get_absolute_url()
    stranger, missing = client.get(url + path), client.get(url.replace(str(ended.pk), str(uuid4())) + path)
    assert (stranger.status_code, missing.status_code) == (404, 404)
    assert str(ended.pk) not in stranger.content.decode()


def test_it_shows_administrators_the_user(ended: Generation, alice: User, admin: User, client_of: ClientOf) -> None:
    assert alice.email in page_of(ended, client_of(admin))


def test_it_asks_strangers_to_log_in(ended: Generation) -> None:
    assert Client().get(ended.get_absolute_url()).status_code == 302


def test_it_times_each_step_of_the_call(ended: Generation) -> None:
    began = ended.started_at
    ended.first_token_at, ended.ended_at = began + timedelta(seconds=8), began + timedelta(seconds=10)
    times = [(0, 0.3, "rate_limited", 4.0, 0.1), (4.3, 5.5, "", None, 0.0)]
    ended.attempts = [
        {
            "started_at": (began + timedelta(seconds=0.2 + start)).isoformat(),
            "seconds": seconds,
            "error_type": error,
            "wait_seconds": wait,
            "connect_seconds": connect,
        }
        for start, seconds, error, wait, connect in times
    ]
    waterfall = waterfall_of(ended)
    assert waterfall is not None
    assert [(step.name, step.milliseconds, step.is_bad) for step, _ in waterfall.rows] == [
        ("Wait", 200, False),
        ("Connect", 100, False),
        ("Attempt 1", 200, True),
        ("Retry wait", 4000, False),
        ("Connect", 0, False),
        ("Attempt 2 to first token", 3500, False),
        ("Stream", 2000, False),
    ]


@pytest.mark.parametrize(("seconds", "first"), [(0, None), (0.0004, None), (0.9, 0.9), (3, 5), (7200, 1), (12, None)])
def test_it_draws_any_call(ended: Generation, seconds: float, first: float | None) -> None:
    ended.attempts, ended.ended_at = [], ended.started_at + timedelta(seconds=seconds)
    ended.first_token_at = ended.started_at + timedelta(seconds=first) if first is not None else None
    waterfall = waterfall_of(ended)
    assert waterfall is not None and waterfall.rows
    ends = [
        float(x) + float(width)
        for x, width in re.findall(r'x="([\d.]+)%" y="7" width="([\d.]+)%"', str(waterfall.rows))
    ]
    assert len(ends) == len(waterfall.rows) and all(end <= 100.01 for end in ends)


@pytest.mark.parametrize(
    ("way", "shown"),
    [("", "<strong>day</strong>"), ("raw", "Good **day**."), ("json", "&quot;text&quot;: &quot;Good **day**")],
)
def test_it_shows_messages_in_three_ways(
    start: Make, finish: Make, alice: User, client_of: ClientOf, way: str, shown: str
) -> None:
    call = finish(start(user=alice), text="Good **day**.")
    page = client_of(alice).get(call.get_absolute_url(), {"as": way}).content.decode()
    assert shown in page


def test_it_leads_to_the_calls_before_and_after_among_those_of_the_list(
    start: Make, alice: User, bob: User, client_of: ClientOf
) -> None:
    first, hidden, other, last = (
        start(user=user, model=model) for user, model in ((alice, "a"), (bob, "a"), (alice, "b"), (alice, "a"))
    )
    client = client_of(alice)
    assert f'href="{other.get_absolute_url()}" rel="prev"' in page_of(first, client)
    filtered = client.get(first.get_absolute_url(), {"model": "a", "as": "raw"}).content.decode()
    assert f'href="{last.get_absolute_url()}?model=a" rel="prev"' in filtered
    assert 'rel="next"' not in filtered


def test_it_gives_the_request_as_a_command_without_the_key(start: Make, alice: User, client_of: ClientOf) -> None:
    call = start(user=alice, provider="openai", model="gpt-4o")
    text = client_of(alice).get(f"{call.get_absolute_url()}curl/").content.decode()
    assert text.startswith("curl https://api.openai.com/v1/chat/completions")
    assert "$OPENAI_API_KEY" in text and "Hello?" in text
    assert client_of(alice).get(f"{start(user=alice, provider='echo').get_absolute_url()}curl/").status_code == 404


@pytest.mark.parametrize("path", ["", "curl/", "?as=json"])
def test_it_records_that_an_administrator_reads_what_others_said(
    ended: Generation, admin: User, client_of: ClientOf, path: str
) -> None:
    client_of(admin).get(ended.get_absolute_url() + path)
    assert AuditEvent.objects.latest("sequence").action == TelemetryAction.CONTENT_READ


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_can_only_be_read(ended: Generation, alice: User, client_of: ClientOf, method: str) -> None:
    assert getattr(client_of(alice), method)(ended.get_absolute_url()).status_code == 405


def test_it_shows_a_receipt_that_adds_up(start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    PriceOverride.objects.create(
        provider="openai",
        model="dear-1",
        valid_from=timezone.now() - timedelta(days=1),
        input_price=Decimal(10),
        cache_read_price=Decimal("0.1"),
        cache_write_price=Decimal(20),
        output_price=Decimal(40),
    )
    generation = finish(start(user=alice, model="dear-1"), tokens=TokenCounts(input=1000, cache_read=3, reasoning=50))
    response = client_of(alice).get(generation.get_absolute_url())
    receipt = response.context["receipt"]
    assert [(line.name, line.tokens, line.unit_price, line.amount) for line in receipt.lines] == [
        ("Input", 1000, "$10.00", "$0.01"),
        ("Cache read", 3, "$0.10", "$0.0000003"),
        ("Reasoning", 50, "$40.00", "$0.002"),
    ]
    assert receipt.total == "$0.0120003"
    assert "a price set by an administrator" in response.content.decode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0", "$0.00"), ("0.010000", "$0.01"), ("1234.5", "$1,234.50"), ("0.000000000123", "$0.000000000123")],
)
def test_it_writes_amounts_exactly(value: str, shown: str) -> None:
    assert exact_dollars(Decimal(value)) == shown


def test_it_has_no_receipt_for_unpriced_calls(start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    generation = finish(start(user=alice, model="nobody-knows-it"), tokens=TokenCounts(input=1))
    response = client_of(alice).get(generation.get_absolute_url())
    assert response.context["receipt"] is None
    assert "No price is known for this model" in response.content.decode()


def test_it_says_what_failed(start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    generation = finish(
        start(user=alice), status=Status.FAILED, error_type="rate_limited", error_message="Too many requests."
    )
    page = page_of(generation, client_of(alice))
    assert "Rate limited" in page
    assert "Too many requests." in page
    assert "No output." in page


def test_it_shows_a_running_call(start: Make, alice: User, client_of: ClientOf) -> None:
    assert "The output is stored when the call has ended." in page_of(start(user=alice), client_of(alice))


def test_it_outlives_what_was_said(ended: Generation, alice: User, client_of: ClientOf) -> None:
    GenerationContent.objects.all().delete()
    assert "no longer kept" in page_of(ended, client_of(alice))


def test_it_escapes_everything_that_comes_from_outside(
    start: Make, finish: Make, alice: User, client_of: ClientOf
) -> None:
    hostile = "</pre><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    generation = finish(
        start(
            user=alice,
            provider=hostile[:30],
            model=hostile,
            token_label=hostile,
            parameters={hostile: hostile},
            sent=[SentMessage("system", hostile), SentMessage("user", hostile)],
        ),
        status=Status.FAILED,
        text=hostile,
        reasoning=hostile,
        finish_reason=hostile,
        response_model=hostile,
        response_id=hostile,
        provider_request_id=hostile,
        error_type=hostile,
        error_message=hostile,
        attempts=(
            {
                "started_at": timezone.now().isoformat(),
                "seconds": 1,
                "error_type": hostile,
                "status": 400,
                "message": hostile,
            },
        ),
    )
    page = page_of(generation, client_of(alice))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count(escape(hostile)) >= 10


def test_it_says_which_version_of_a_prompt_was_used_and_what_served_it(
    start: Make, alice: User, client_of: ClientOf
) -> None:
    prompt = PromptUse(uuid4(), "support/triage", 3, {"production": 3, "staging": 4})
    page = page_of(start(user=alice, prompt=prompt), client_of(alice))
    assert f'href="/prompts/{prompt.id}/?version=3">support/triage v3</a>' in page
    assert "(production at the time)" in page
    assert "staging" not in page


def test_it_says_nothing_of_prompts_where_none_was_used(ended: Generation, alice: User, client_of: ClientOf) -> None:
    assert "<dt>Prompt</dt>" not in page_of(ended, client_of(alice))


def test_it_shows_tools_schema_calls_and_results(start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    wanted = {"id": "a", "name": "get_weather", "arguments": '{"city":"Paris"}', "signature": "secret of the provider"}
    sent = [
        SentMessage("tools", canonical([{"name": "get_weather", "description": "Tells it.", "parameters": {}}])),
        SentMessage("schema", canonical({"type": "object"})),
        SentMessage("user", "Paris?"),
        SentMessage("assistant", "", canonical({"tool_calls": [wanted]})),
        SentMessage("tool", '{"degrees":21}', canonical({"tool_call_id": "a", "tool_name": "get_weather"})),
    ]
    again = {**wanted, "arguments": "{broken"}
    page = page_of(finish(start(user=alice, sent=sent), tool_calls=[again]), client_of(alice))

    for title in ("Tools offered", "Response schema", "Tool call: get_weather", "Tool result: get_weather"):
        assert f"<h3>{title}</h3>" in page
    for text in ('"description": "Tells it."', '{\n  "city": "Paris"\n}', '{\n  "degrees": 21\n}', "{broken"):
        assert escape(text) in page
    assert "secret of the provider" not in page
    assert "No output." not in page


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ('{"a":[1,"é"]}', '{\n  "a": [\n    1,\n    "é"\n  ]\n}'),
        ("{", None),
        ('{"a":1,"a":2}', None),
        ("0.1234567890123456789", None),
        ("1e999", None),
        ("NaN", None),
        ("[" * 100_000, None),
        (f'"{"x" * 300_000}"', None),
    ],
)
def test_json_is_indented_where_nothing_of_it_is_lost(text: str, readable: str | None) -> None:
    assert indented(text) == readable
