"""Two models beside each other, one of their calls replayed, then 50 recorded calls with a worker, as one story."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from aistrale.tests.end_to_end.browser import Site, add_administrator
from aistrale.tests.end_to_end.chat_page import add_token
from aistrale.tests.end_to_end.usability import check_usable
from aistrale.tests.processes import running_worker
from inference.tests.fake_provider import FakeProvider

REPLAYER = "replayer@example.org"
RECORD = """
from django.db import transaction
from accounts.models import User
from telemetry.context import SentMessage
from telemetry.models import PriceOverride, Status
from telemetry.pricing import TokenCounts
from telemetry.services import CallOutcome, NewCall, finish_generation, start_generation

user = User.objects.get(email={user!r})
prices = dict(input_price=1, cache_read_price=1, cache_write_price=1, output_price=2)
for model in ("fake-large", "fake-small"):
    PriceOverride.objects.create(provider="openai", model=model, valid_from="2020-01-01T00:00Z", **prices)
for number in range(50):
    sent = [SentMessage("user", f"Question {{number}}")]
    call = NewCall(provider="openai", model="gpt-4o", parameters={{}}, sent=sent, process_id=1)
    with transaction.atomic():
        generation = start_generation(user=user, call=call)
        tokens = TokenCounts(input=10, output=200)
        outcome = CallOutcome(status=Status.SUCCEEDED, text="A long answer. " * 20, tokens=tokens)
        finish_generation(generation_id=generation.pk, outcome=outcome)
"""


@pytest.fixture
def replayer(page: Page, site: Site, provider: FakeProvider, sign_in: Callable[[Page, str], None]) -> Page:
    """Somebody with 50 recorded calls, and a key for the fake provider."""
    add_administrator(site, REPLAYER)
    add_token(site, REPLAYER, provider)
    site.manage("shell", "-v", "0", "-c", RECORD.format(user=REPLAYER))
    sign_in(page, REPLAYER)
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


@pytest.fixture
def worker(site: Site) -> Iterator[None]:
    with running_worker(site.environment):
        yield


def test_from_two_models_to_a_comparison_of_backtests(
    replayer: Page, site: Site, provider: FakeProvider, worker: None
) -> None:
    page = replayer
    _run_two_models(page, site)
    _replay_a_call(page)
    asked = len(provider.calls("fake-small"))
    _backtest(page, site, "fake-small")
    assert len(provider.calls("fake-small")) == asked + 50
    _look_at_a_result(page)
    _backtest(page, site, "fake-large")
    _compare(page)


def panel(page: Page, number: int) -> Locator:
    return page.locator("[data-panel]").nth(number - 1)


def choose(page: Page, model: str) -> None:
    """In the dialog that is open."""
    expect(page.get_by_role("option", name="fake-small").first).to_be_visible()
    expect(page.locator("#model-options [aria-busy]")).to_have_count(0)
    page.keyboard.type(model)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()


def _run_two_models(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/playground/")
    page.get_by_role("button", name="New playground").first.click()
    page.wait_for_url("**/playground/*-*/")
    page.get_by_label("Content of message 2 in panel 1").fill("Why are there tides?")
    page.get_by_role("button", name="Add panel").click()
    expect(page.locator("[data-panel]")).to_have_count(2)
    for number, model in ((1, "fake-large"), (2, "fake-small")):
        panel(page, number).get_by_title("Change model").click()
        choose(page, model)
        expect(panel(page, number).locator("[data-model-name]")).to_have_text(model)
    page.keyboard.press("Control+Enter")
    for number in (1, 2):
        expect(panel(page, number).get_by_text("Done", exact=True)).to_be_visible()
        expect(panel(page, number).locator(".metrics")).to_contain_text("$0.0")


def _replay_a_call(page: Page) -> None:
    panel(page, 1).get_by_role("link", name="Call details").click()
    page.get_by_role("link", name="Replay").click()
    _replay_with(page, "fake-small")
    _start(page)
    expect(page.locator("#progress")).to_contain_text("1 of 1 call")


def _replay_with(page: Page, model: str) -> None:
    target = page.get_by_role("region", name="Replay with")
    expect(target).to_be_visible()
    # Its scripts are there too.
    page.wait_for_load_state()
    target.get_by_role("button", name="Choose model").click()
    choose(page, model)
    expect(target.get_by_role("textbox", name="Model")).to_have_value(model)


def _start(page: Page) -> None:
    page.get_by_role("button", name="Estimate cost").click()
    expect(page.get_by_text("Estimated cost")).to_be_visible()
    page.get_by_role("button", name="Start backtest").click()
    expect(page.locator("#progress .run-state")).to_have_text("Done", timeout=120_000)


def _backtest(page: Page, site: Site, model: str) -> None:
    page.goto(f"{site.url}/backtests/add/")
    page.get_by_role("region", name="Calls to replay").get_by_label("Model").fill("gpt-4o")
    _replay_with(page, model)
    page.get_by_label("Budget (USD)").fill("5")
    check_usable(page)
    _start(page)
    expect(page.locator("#progress")).to_contain_text("50 of 50 calls")
    expect(page.get_by_role("region", name="Totals").first).to_contain_text("Length, median")
    expect(page.get_by_role("link", name="Better 50")).to_be_visible()


def _look_at_a_result(page: Page) -> None:
    check_usable(page)
    page.get_by_role("link", name="Question 7", exact=False).first.click()
    opened = page.locator("tr.open")
    expect(opened.locator(".diff")).to_contain_text("Hello from the fake provider")
    expect(opened.locator(".diff")).to_contain_text("A long answer.")
    check_usable(page)


def _compare(page: Page) -> None:
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_text("50 calls replayed by both")).to_be_visible()
    check_usable(page)
