"""A provider on the wire, and runs against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from pytest_django.fixtures import Settings

from inference.tests.fake_provider import FakeProvider

if TYPE_CHECKING:
    from inference.runs.active import Runs
    from inference.runs.quick_start import QuickStart

StartRuns = Callable[[], Awaitable["Runs"]]


@pytest.fixture(autouse=True)
def _trusted(settings: Settings) -> None:
    """Providers of tests are not on the public internet."""
    settings.PROVIDER_HOSTS = ["127.0.0.1"]


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def quick_limits(settings: Settings) -> None:
    """Time limits that a test can wait for, in seconds."""
    settings.PROVIDER_TIMEOUTS = {"connect": 1.0, "first_token": 1.0, "between_tokens": 1.0, "total": 10.0}
    settings.RETRY_LONGEST_WAIT = 0.1
    settings.RUN_GRACE_SECONDS = 30.0


@pytest_asyncio.fixture
async def start_runs(quick_limits: None) -> AsyncIterator[StartRuns]:
    """``await start_runs()`` is one more server process, as far as runs are concerned."""
    from inference.runs.active import Runs

    opened: list[Runs] = []

    async def start() -> Runs:
        runs = Runs()
        await runs.open()
        opened.append(runs)
        return runs

    yield start
    for runs in opened:
        await runs.close()


@pytest_asyncio.fixture
async def quick_start() -> AsyncIterator[QuickStart]:
    from inference.runs.quick_start import QuickStart

    quick_start = QuickStart()
    await quick_start.open()
    yield quick_start
    await quick_start.close()


async def until(condition: Callable[[], Awaitable[Any]], *, within: float = 30.0) -> Any:
    """Wait for a condition to hold; returns what it gave. Raises TimeoutError."""
    for _ in range(int(within / 0.02)):
        if result := await condition():
            return result
        await asyncio.sleep(0.02)
    raise TimeoutError
