"""Charts are walked by arrow keys: one stop for Tab, and from there each column says its figures."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site, add_administrator
from aistrale.tests.end_to_end.keyboard import expect_page, go_to, log_in

EMAIL = "charts@example.org"


def test_arrow_keys_go_from_column_to_column(site: Site, keyboard: Page) -> None:
    page = keyboard
    add_administrator(site, EMAIL)
    page.goto(f"{site.url}/login/")
    log_in(page, EMAIL)
    expect_page(page, "Dashboard")
    page.goto(f"{site.url}/?range=24h")
    columns = page.get_by_role("group", name="Calls by status").locator("a.col")
    count = columns.count()
    assert count >= 24
    go_to(page, columns.first)
    for key, place in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", count - 1),
        ("ArrowRight", count - 1),
    ):
        page.keyboard.press(key)
        expect(columns.nth(place)).to_be_focused()
    # What is focused says its figures, is seen, and is where Tab comes back to.
    expect(columns.last.locator(".read")).to_be_visible()
    assert columns.last.get_attribute("aria-label")
    page.keyboard.press("Tab")
    expect(columns.last).not_to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(columns.last).to_be_focused()
    page.keyboard.press("Home")
    expect(columns.first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/telemetry/?**")
