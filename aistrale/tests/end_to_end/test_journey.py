from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from accounts.providers import keyed_choices
from aistrale.tests.end_to_end.browser import PASSWORD, Site, log_in
from aistrale.tests.end_to_end.chat_page import answers, ask, choose_model, expect_status, expect_words
from inference.tests.fake_provider import ANSWER, FakeProvider

ADA = "ada@example.org"
PROVIDERS = dict(keyed_choices())


def test_it_goes_from_the_first_run_to_the_log_out(page: Page, fresh_site: Site, provider: FakeProvider) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    set_up(page, fresh_site)
    log_out(page)
    log_in(page, fresh_site, ADA)
    add_tokens(page, provider)
    page.get_by_role("link", name="Chat", exact=True).click()
    page.wait_for_url("**/chat/")
    talk_to_every_provider(page)
    stop_by_button(page)
    stop_by_escape(page)
    reload_in_mid_stream(page)
    answer_again(page)
    edit_the_question(page)
    log_out(page)
    page.goto(f"{fresh_site.url}/chat/")
    expect(page).to_have_url(re.compile("/login/"))


def set_up(page: Page, site: Site) -> None:
    assert site.setup_link
    page.goto(site.setup_link)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Email").fill(ADA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def log_out(page: Page) -> None:
    page.locator("[popovertarget=user-menu]").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#toasts")).to_contain_text("Logged out")


def add_tokens(page: Page, provider: FakeProvider) -> None:
    page.get_by_role("link", name="Provider keys", exact=True).click()
    for name, label in PROVIDERS.items():
        page.get_by_role("link", name="Add key").first.click()
        page.get_by_label("Provider").select_option(name)
        page.get_by_label("Name").fill(f"{label} of the team")
        page.get_by_label("Key", exact=True).fill(f"sk-{name}-0123456789")
        page.get_by_label("Base URL").fill(provider.base_url(name))
        page.get_by_role("button", name="Test and save").click()
        expect(page.locator("#tokens")).to_contain_text(f"{label} of the team")
    assert {exchange.key for exchange in provider.exchanges} >= {f"sk-{name}-0123456789" for name in PROVIDERS}


def talk_to_every_provider(page: Page) -> None:
    for number, label in enumerate(PROVIDERS.values(), start=1):
        choose_model(page, f"{label} fake-large")
        ask(page, f"Question to {label}")
        expect(answers(page)).to_have_count(number)
        expect_status(page, "succeeded")
        expect(answers(page).last.locator("h2")).to_have_text(f"{label} of the team fake-large")
        expect(answers(page).last).to_contain_text(ANSWER)


def stop_by_button(page: Page) -> None:
    choose_model(page, "words-1000-every-40ms")
    ask(page)
    expect_words(page, 3)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect_status(page, "stopped")


def stop_by_escape(page: Page) -> None:
    count = answers(page).count()
    ask(page)
    expect(answers(page)).to_have_count(count + 1)
    expect_words(page, 3)
    page.keyboard.press("Escape")
    expect_status(page, "stopped")


def reload_in_mid_stream(page: Page) -> None:
    page.locator("#chat-list").get_by_role("link", name="New chat").click()
    page.wait_for_url("**/chat/")
    choose_model(page, "words-99-every-40ms")
    ask(page, "Count, please")
    expect_words(page, 5)
    page.reload()
    expect_status(page, "succeeded")
    expect(answers(page)).to_have_text(re.compile(r"word0 word1 .*word98"))


def answer_again(page: Page) -> None:
    choose_model(page, "words-9")
    page.get_by_role("button", name="Regenerate").click()
    expect(page.locator(".answer .siblings")).to_contain_text("2/2")
    expect_status(page, "succeeded")
    page.get_by_role("link", name="Previous answer").click()
    expect(page.locator(".answer .siblings")).to_contain_text("1/2")
    expect_words(page, 98)


def edit_the_question(page: Page) -> None:
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("form", name="Edit the question").get_by_label("Question").fill("Count less")
    page.get_by_role("button", name="Send as new branch").click()
    expect(page.locator(".question .siblings")).to_contain_text("2/2")
    expect(page.locator(".question-text")).to_have_text("Count less")
    expect_status(page, "succeeded")
