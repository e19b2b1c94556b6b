"""A worker that is killed in the middle of a backtest, and the next one that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aistrale.tests.end_to_end.prepared import prepared_database
from aistrale.tests.end_to_end.site_runs import until
from aistrale.tests.processes import MANAGE, running_worker
from inference.tests.fake_provider import FakeProvider

CALLS, MODEL = 20, "words-8-every-100ms"
SETUP = """
from decimal import Decimal
from django.db import transaction
from accounts.models import User
from inference.backtests.services import Plan, create_backtest, start_backtest
from telemetry.context import SentMessage
from telemetry.models import PriceOverride, Status
from telemetry.services import CallOutcome, NewCall, finish_generation, start_generation
from tokens.services import add_token

ada = User.objects.create_user(email="ada@example.org", password="a long password", role="engineer", name="Ada")
add_token(owner=ada, actor=None, provider="openai", label="Main", secret="sk-good-1234", base_url={base_url!r})
prices = dict(input_price=1, cache_read_price=1, cache_write_price=1, output_price=2)
PriceOverride.objects.create(provider="openai", model={model!r}, valid_from="2020-01-01T00:00Z", **prices)
ids = []
for number in range({calls}):
    sent = [SentMessage("user", f"Question {{number}}")]
    call = NewCall(provider="openai", model="gpt-4o", parameters={{}}, sent=sent, process_id=1)
    with transaction.atomic():
        generation = start_generation(user=ada, call=call)
        finish_generation(generation_id=generation.pk, outcome=CallOutcome(status=Status.SUCCEEDED, text="Hello"))
    ids.append(generation.pk)
plan = Plan(title="Twenty", call_ids=ids, sample={calls}, budget_usd=Decimal(10), provider="openai", model={model!r})
start_backtest(backtest=create_backtest(owner=ada, plan=plan), actor=ada)
"""


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def environment(tmp_path: Path, fake: FakeProvider) -> Iterator[dict[str, str]]:
    with prepared_database(tmp_path) as database_url:
        environment = os.environ | {
            "DATABASE_URL": database_url,
            "AISTRALE_DATA_DIR": str(tmp_path),
            "AISTRALE_PROVIDER_HOSTS": "127.0.0.1",
        }
        script = SETUP.format(base_url=fake.base_url("openai"), model=MODEL, calls=CALLS)
        subprocess.run([sys.executable, MANAGE, "shell", "-c", script], env=environment, check=True)
        yield environment


def ask(environment: dict[str, str], query: str) -> list[Any]:
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def states(environment: dict[str, str]) -> Counter[str]:
    return Counter(state for (state,) in ask(environment, "SELECT state FROM backtests_backtestcall"))


def test_the_next_worker_goes_on_and_makes_no_call_twice(environment: dict[str, str], fake: FakeProvider) -> None:
    with running_worker(environment) as child:
        until(lambda: 4 <= states(environment)["done"] < CALLS - 8 and states(environment)["running"], within=60)
        os.kill(child.pid, signal.SIGKILL)
    lost = states(environment)["running"]
    assert 0 < lost <= 4
    # As after half a minute.
    ask(environment, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    with running_worker(environment):
        until(lambda: ask(environment, "SELECT state FROM backtests_backtest") == [("done",)], within=150)

    assert states(environment) == {"done": CALLS - lost, "interrupted": lost}
    asked = Counter(exchange.body["messages"][-1]["content"] for exchange in fake.calls(MODEL))
    assert set(asked.values()) == {1} and len(asked) >= CALLS - lost
    assert ask(environment, "SELECT count(*) FROM telemetry_generation WHERE status = 'running'") == [(0,)]
