"""Prompts in the chat, in a browser: inserted by keyboard, named with the message, and dropped with its text."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.chat_page import answers, expect_status, use
from aistrale.tests.end_to_end.usability import check_usable
from inference.tests.fake_provider import FakeProvider, answer, failure
from inference.tests.wire import DIALECTS

NUMBERS = count(1)


@pytest.fixture
def prompt(signed_in: Page, site: Site) -> str:
    """The name of one with a system message and a variable; the chat is open."""
    page, name = signed_in, f"chat/prompt-{next(NUMBERS)}"
    write_prompt(page, site, name)
    page.goto(f"{site.url}/chat/?provider=echo&model=echo")
    page.wait_for_load_state()
    return name


def write_prompt(page: Page, site: Site, name: str) -> None:
    page.goto(f"{site.url}/prompts/add/")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Content of message 1").fill("Be brief.")
    page.get_by_label("Content of message 2").fill("Sort {{ticket}}")
    page.get_by_role("button", name="Save as v1").click()
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()


def insert(page: Page, name: str) -> None:
    page.get_by_label("Message", exact=True).press("/")
    expect(page.get_by_role("combobox", name="Search prompts")).to_be_focused()
    page.keyboard.type(name)
    expect(page.get_by_role("option", selected=True)).to_contain_text(name)
    page.keyboard.press("Enter")
    expect(page.get_by_label("ticket", exact=True)).to_be_focused()
    page.keyboard.type("T-1")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_it_inserts_a_prompt_by_keyboard_and_records_it(signed_in: Page, prompt: str) -> None:
    page = signed_in
    insert(page, prompt)
    expect(page.get_by_label("Message", exact=True)).to_have_value("Sort T-1")
    expect(page.locator("#id_system")).to_have_value("Be brief.")
    chip = page.get_by_role("link", name=f"{prompt} v1")
    expect(chip).to_be_visible()
    check_usable(page)
    page.reload()
    expect(chip).to_be_visible()
    expect(page.locator("#id_system")).to_have_value("Be brief.")
    page.get_by_label("Message", exact=True).press("Control+Enter")
    expect_status(page, "succeeded")
    expect(chip).to_be_hidden()
    page.get_by_title("Show figures").last.click()
    page.get_by_role("link", name="View call details").click()
    expect(page.get_by_role("link", name=f"{prompt} v1")).to_be_visible()


def test_the_prompt_goes_with_its_text_or_by_its_button(signed_in: Page, prompt: str) -> None:
    page = signed_in
    message, chip = page.get_by_label("Message", exact=True), page.get_by_role("link", name=f"{prompt} v1")
    insert(page, prompt)
    message.fill("")
    expect(chip).to_be_hidden()
    insert(page, prompt)
    page.get_by_role("button", name="Remove prompt").click()
    expect(chip).to_be_hidden()
    expect(message).to_be_focused()
    expect(message).to_have_value("Sort T-1")


def test_it_leaves_the_dialog_as_it_was_entered(signed_in: Page, prompt: str) -> None:
    page = signed_in
    page.set_viewport_size({"width": 390, "height": 844})
    message = page.get_by_label("Message", exact=True)
    message.press("/")
    expect(page.get_by_role("option", name=prompt)).to_be_visible()
    check_usable(page)
    page.keyboard.press("Escape")
    expect(message).to_be_focused()
    expect(message).to_have_value("")
    message.press("/")
    expect(page.get_by_role("option", name=prompt)).to_be_visible()
    page.keyboard.press("/")
    expect(message).to_have_value("/")
    button = page.get_by_role("button", name="Insert prompt")
    button.click()
    page.get_by_role("option", name=prompt).click()
    page.get_by_role("button", name="All prompts").click()
    expect(page.get_by_role("combobox", name="Search prompts")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_it_saves_the_branch_that_is_shown_as_a_prompt(signed_in: Page, prompt: str) -> None:
    page = signed_in
    page.locator("#system-button").click()
    page.locator("#id_system").fill("Be brief.")
    message = page.get_by_label("Message", exact=True)
    message.fill("First wording")
    message.press("Control+Enter")
    expect_status(page, "succeeded")
    page.get_by_role("button", name="Edit").click()
    page.locator("form.edit textarea").fill("Second wording")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".question")).to_contain_text("Second wording")
    expect_status(page, "succeeded")
    page.get_by_role("link", name="Previous wording").click()
    expect(page.locator(".question")).to_contain_text("First wording")
    page.get_by_role("button", name="Actions for First wording").first.click()
    page.locator(".conversation .menu:popover-open").get_by_role("link", name="Save as prompt").click()
    expect(page.get_by_label("Content of message 1")).to_have_value("Be brief.")
    expect(page.get_by_label("Content of message 2")).to_have_value("First wording")
    check_usable(page)


def test_a_message_that_failed_comes_back_with_its_prompt(chat: Page, site: Site, provider: FakeProvider) -> None:
    page, name, model = chat, f"chat/prompt-{next(NUMBERS)}", "picky-once"
    write_prompt(page, site, name)
    refusal = failure(DIALECTS["v1"], 400)
    provider.script(model, replace(refusal, steps=(2.0, *refusal.steps)), answer(DIALECTS["v1"], model, ["fine"]))
    use(page, model)
    page.wait_for_load_state()
    insert(page, name)
    chip = page.get_by_role("link", name=f"{name} v1")
    page.keyboard.press("Control+Enter")
    expect(answers(page)).to_have_count(1)
    expect_status(page, "failed")
    expect(page.get_by_label("Message", exact=True)).to_have_value("Sort T-1")
    expect(chip).to_be_visible()
    page.get_by_label("Message", exact=True).press("Control+Enter")
    expect_status(page, "succeeded")
    page.get_by_title("Show figures").last.click()
    page.get_by_role("link", name="View call details").click()
    expect(page.get_by_role("link", name=f"{name} v1")).to_be_visible()


def test_it_saves_one_message_as_a_prompt(signed_in: Page, prompt: str) -> None:
    page = signed_in
    message = page.get_by_label("Message", exact=True)
    for text in ("First", "Second"):
        message.fill(text)
        message.press("Control+Enter")
        expect(page.locator(".question").last).to_contain_text(text)
        expect_status(page, "succeeded")
    page.get_by_role("link", name="Save message as prompt").last.click()
    expect(page.get_by_label("Content of message 1")).to_have_value("Second")
    expect(page.get_by_label("Content of message 2")).to_have_count(0)
