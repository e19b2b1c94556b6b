"""By keyboard alone, with a focus that can be seen at every stop: log in, add a token, talk, look, administrate."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site, add_administrator
from aistrale.tests.end_to_end.chat_page import answers, expect_status, expect_words
from aistrale.tests.end_to_end.keyboard import expect_page, fill, go_to, log_in, open_administration, open_dialog, press
from inference.tests.fake_provider import FakeProvider

# Of this test alone: whoever has other tokens has another choice of models.
EMAIL = "keyboard@example.org"


def add_token(page: Page, provider: FakeProvider) -> None:
    press(page, page.get_by_role("link", name="Provider keys", exact=True))
    press(page, page.get_by_role("link", name="Add key").first)
    page.wait_for_url("**/tokens/add/")
    go_to(page, page.get_by_label("Provider"))
    page.keyboard.type("OpenAI")
    fill(page, "Name", "By hand")
    fill(page, "Key", "sk-good-0123456789")
    fill(page, "Base URL", provider.base_url("openai"))
    press(page, page.get_by_role("button", name="Test and save"))
    expect(page.locator("#tokens")).to_contain_text("By hand")


def try_the_token(page: Page) -> None:
    button = page.get_by_role("button", name="Test By hand")
    with page.expect_response("**/check/"):
        press(page, button)
    expect(button).to_be_focused()


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
    press(page, page.get_by_role("link", name="Calls", exact=True))
    page.wait_for_url("**/telemetry/")
    press(page, page.locator("tbody a").first)
    expect(page.get_by_role("heading", name="Messages")).to_be_visible()


def administrate(page: Page) -> None:
    open_administration(page)
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
    keyboard.goto(f"{site.url}/login/")
    log_in(keyboard, EMAIL)
    expect_page(keyboard, "Dashboard")
    add_token(keyboard, provider)
    try_the_token(keyboard)
    open_dialog(keyboard, keyboard.get_by_role("link", name="Delete By hand"), "Delete “By hand”?")
    keyboard.keyboard.press("Escape")
    talk(keyboard)
    edit(keyboard)
    look_at_the_call(keyboard)
    administrate(keyboard)
