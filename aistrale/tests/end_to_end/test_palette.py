"""Ctrl+K, by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site, log_in

pytestmark = pytest.mark.slow


def test_it_opens_what_was_typed_and_chosen(page: Page, site: Site) -> None:
    log_in(page, site)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search pages")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="New prompt")).to_be_visible()
    page.keyboard.type("webh")
    expect(page.get_by_role("option").first).to_have_text("Webhooks")
    expect(field).to_have_attribute("aria-activedescendant", "palette-option-1-1")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/prompts/webhooks/")


def test_it_closes_and_gives_the_focus_back(page: Page, site: Site) -> None:
    log_in(page, site)
    link = page.get_by_role("link", name="Telemetry")
    link.focus()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).not_to_be_visible()
    expect(link).to_be_focused()
