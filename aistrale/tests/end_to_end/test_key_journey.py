"""An administrator rotates the keys in a real browser, and prints the report."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, log_in
from aistrale.tests.end_to_end.usability import WIDE
from aistrale.tests.processes import running_worker

SECRET = "sk-canary-in-a-browser-8Kd3"


@pytest.fixture
def keys_page(page: Page, site: Site) -> Page:
    owner = ("--owner", ADMIN, "--provider", "openai", "--label", "Main")
    site.manage("add_token", *owner, "--no-check", stdin=SECRET)
    log_in(page, site)
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(f"{site.url}/tokens/")
    page.get_by_role("link", name="Encryption keys").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Encryption keys")
    return page


def test_it_rotates_and_shows_the_report(keys_page: Page, site: Site) -> None:
    keys_page.get_by_role("link", name="Rotate keys").click()
    keys_page.locator("input[type=password]").fill(PASSWORD)
    keys_page.keyboard.press("Enter")
    keys_page.get_by_role("button", name="Rotate keys").click()
    keys_page.wait_for_url(re.compile("/tokens/keys/rotations/"))
    report = keys_page.locator("#report")
    with running_worker(site.environment):
        expect(report.locator(".badge")).to_have_text("Finished")
    expect(report).to_contain_text("Encrypted values by key")
    assert SECRET not in keys_page.content()


def test_it_prints_the_report_without_the_shell(keys_page: Page, site: Site) -> None:
    site.manage("rotate_keys")
    keys_page.reload()
    keys_page.locator("a[href*='/rotations/']").first.click()
    expect(keys_page.locator("#report")).to_be_visible()
    keys_page.emulate_media(media="print")
    expect(keys_page.locator("#shell-nav")).to_be_hidden()
    expect(keys_page.get_by_role("link", name="Encryption keys").last).to_be_hidden()
    expect(keys_page.locator("#report")).to_be_visible()
