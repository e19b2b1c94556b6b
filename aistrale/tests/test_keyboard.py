"""By keyboard alone, with a focus that can be seen at every stop: log in, add a token, talk, look, administrate."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from aistrale.tests.browser import PASSWORD, Site, add_administrator
from aistrale.tests.chat_page import answers, expect_status, expect_words
from inference.tests.fake_provider import FakeProvider

# Of this test alone: whoever has other tokens has another choice of models.
EMAIL = "keyboard@example.org"
MOST_STOPS = 80
# Whether the focused element can be seen, with a ring of its own or of the box around it.
SHOWS_FOCUS = """() => {
  const at = document.activeElement;
  // The browser itself marks the part of a date that one is in.
  if (at === document.body || at.matches("[type^=date]")) return "";
  const box = at.getBoundingClientRect();
  const ringed = [at, at.closest(".input-group")].filter(Boolean).map((each) => getComputedStyle(each))
    .some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1);
  return box.width && box.height && ringed ? "" : at.outerHTML.slice(0, 120);
}"""


@pytest.fixture
def keyboard(page: Page) -> Page:
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


def go_to(page: Page, target: Locator, *, key: str = "Tab") -> None:
    """With Tab from stop to stop."""
    expect(target).to_be_visible()
    for _ in range(MOST_STOPS):
        if target.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press(key)
        assert page.evaluate(SHOWS_FOCUS) == ""
    raise AssertionError(f"{target} is not reached by {key}")


def press(page: Page, target: Locator, *, key: str = "Tab") -> None:
    go_to(page, target, key=key)
    page.keyboard.press("Enter")


def fill(page: Page, label: str, text: str) -> None:
    go_to(page, page.get_by_label(re.compile(f"^{label}\\b")).first)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def log_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/login/")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(EMAIL)
    fill(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def add_token(page: Page, provider: FakeProvider) -> None:
    press(page, page.get_by_role("link", name="Tokens", exact=True))
    press(page, page.get_by_role("link", name="Add a token").first)
    page.wait_for_url("**/tokens/add/")
    go_to(page, page.get_by_label("Provider"))
    page.keyboard.type("OpenAI")
    fill(page, "Name", "By hand")
    fill(page, "Secret", "sk-good-0123456789")
    fill(page, "Base URL", provider.base_url("openai"))
    press(page, page.get_by_role("button", name="Test and save"))
    expect(page.locator("#tokens")).to_contain_text("By hand")


def open_dialog_and_leave_it(page: Page) -> None:
    delete = page.get_by_role("link", name="Delete By hand")
    press(page, delete)
    expect(page.locator("#dialog-title")).to_be_visible()
    assert page.evaluate("document.getElementById('dialog').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog-title")).to_be_hidden()
    expect(delete).to_be_focused()


def talk(page: Page) -> None:
    press(page, page.get_by_role("link", name="Chat", exact=True), key="Shift+Tab")
    page.wait_for_url("**/chat/")
    page.wait_for_load_state("networkidle")  # a provider's models are fetched, and one of them is chosen
    button = page.locator("#model-button")
    press(page, button)
    expect(page.get_by_role("option", name="fake-small").first).to_be_visible()
    page.keyboard.type("words-1000-every-40ms")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox")).to_be_hidden()
    message = page.get_by_label("Message", exact=True)
    if not message.evaluate("each => each === document.activeElement"):
        go_to(page, message, key="Shift+Tab")
    page.keyboard.type("Count")
    page.keyboard.press("Control+Enter")
    expect_words(page, 3)
    page.keyboard.press("Escape")
    expect_status(page, "stopped")
    expect(message).to_be_focused()
    expect(page.locator("#announcer")).to_contain_text("stopped")


def edit(page: Page) -> None:
    page.keyboard.press("ArrowUp")
    question = page.get_by_role("form", name="Edit the question").get_by_label("Question")
    expect(question).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Edit")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type("Count less")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".question .siblings")).to_contain_text("2/2")
    expect(answers(page)).to_have_count(1)
    expect_words(page, 3)
    page.keyboard.press("Escape")
    expect_status(page, "stopped")


def look_at_the_call(page: Page) -> None:
    page.reload()
    press(page, page.get_by_role("link", name="Telemetry", exact=True))
    page.wait_for_url("**/telemetry/")
    press(page, page.locator("tbody a").first)
    expect(page.get_by_role("heading", name="What was said")).to_be_visible()


def administrate(page: Page) -> None:
    press(page, page.get_by_role("link", name="Admin", exact=True))
    expect(page.get_by_role("heading", name="Everything that is stored")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    press(page, page.get_by_role("link", name="Generations", exact=True))
    press(page, page.locator("#result_list a").first)
    press(page, page.get_by_role("link", name="Back to the site"))
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def test_it_goes_from_the_log_in_to_the_admin_site_by_keyboard(
    keyboard: Page, site: Site, provider: FakeProvider
) -> None:
    add_administrator(site, EMAIL)
    log_in(keyboard, site)
    add_token(keyboard, provider)
    open_dialog_and_leave_it(keyboard)
    talk(keyboard)
    edit(keyboard)
    look_at_the_call(keyboard)
    administrate(keyboard)
