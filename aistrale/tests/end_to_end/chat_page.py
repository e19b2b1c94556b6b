"""The chat page in a real browser, against a real server and a provider on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from aistrale.tests.end_to_end.browser import Site, add_administrator
from inference.tests.fake_provider import FakeProvider

TALKER = "talker@example.org"


@pytest.fixture(scope="session")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


def add_token(site: Site, owner: str, provider: FakeProvider) -> None:
    token = ("--owner", owner, "--provider", "openai", "--label", "Work", "--base-url", provider.base_url("openai"))
    site.manage("add_token", *token, stdin="sk-good-1234\n")


@pytest.fixture(scope="session")
def talker(site: Site, provider: FakeProvider) -> str:
    """The e-mail address of somebody with a token for the fake provider."""
    add_administrator(site, TALKER)
    add_token(site, TALKER, provider)
    return TALKER


@pytest.fixture
def chat(page: Page, site: Site, talker: str, sign_in: Callable[[Page, str], None]) -> Page:
    """The page of a new conversation."""
    sign_in(page, talker)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{site.url}/chat/?provider=openai&model=fake-large")
    return page


def use(page: Page, model: str) -> None:
    """A new conversation with this model."""
    parts = urlsplit(page.url)
    page.goto(f"{parts.scheme}://{parts.netloc}/chat/?provider=openai&model={model}")


def ask(page: Page, text: str = "Hello") -> None:
    page.wait_for_load_state()  # or the scripts of a page that has just come hear no key
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Control+Enter")


def open_parameters(page: Page) -> None:
    page.locator("#parameters-button").click()
    expect(page.locator("#chat-parameters")).to_be_visible()


def answers(page: Page) -> Locator:
    return page.locator(".answer")


def expect_status(page: Page, status: str) -> None:
    expect(answers(page).last.locator(".meta")).to_have_attribute("data-status", status)


def expect_words(page: Page, number: int) -> None:
    """Wait until this word of the fake provider is on the page."""
    expect(answers(page).last).to_contain_text(f"word{number}")


def choose_model(page: Page, words: str) -> None:
    """Choose the first model that fits ``words``, or take them as its name, for what is asked next on this page."""
    page.locator("#model-button").click()
    expect(page.get_by_role("option", name="fake-small").first).to_be_visible()
    expect(page.locator("#model-options [aria-busy]")).to_have_count(0)
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox")).to_be_hidden()
