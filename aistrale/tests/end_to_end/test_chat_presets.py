"""Presets of parameters, in the chat and in the playground, by keyboard."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.chat_page import open_parameters
from aistrale.tests.end_to_end.usability import WIDE, check_usable


def test_it_saves_parameters_and_takes_them_up_again(chat: Page, site: Site) -> None:
    open_parameters(chat)
    chat.get_by_label("Temperature", exact=True).fill("0.5")
    chat.get_by_role("button", name="Presets").press("Enter")
    chat.get_by_label("Name of the preset").fill("Calm")
    chat.keyboard.press("Enter")
    expect(chat.get_by_text("“Calm” saved")).to_be_visible()
    check_usable(chat, widths=[WIDE])
    chat.get_by_role("button", name="Reset all to defaults").press("Enter")
    expect(chat.get_by_label("Temperature", exact=True)).to_have_value("")
    expect(chat.locator("#presets-chat")).to_be_hidden()

    chat.goto(f"{site.url}/playground/")
    chat.get_by_role("button", name="New playground").first.click()
    chat.wait_for_url("**/playground/*-*/")
    chat.locator("[data-choose-model]").first.click()
    chat.get_by_role("option", name="fake-large").first.click()
    expect(chat.locator("[data-model-name]")).to_have_text("fake-large")
    expect(chat.locator("[name=param-temperature]")).to_have_count(1)
    chat.locator(".setting[popovertarget^=parameters]").click()
    chat.locator(".setting-sheet:popover-open").get_by_role("button", name="Presets").click()
    chat.get_by_role("button", name="Calm temperature 0.5").click()
    expect(chat.locator("[name=param-temperature]")).to_have_value("0.5")
    expect(chat.locator("#saved")).to_have_text("Saved")
