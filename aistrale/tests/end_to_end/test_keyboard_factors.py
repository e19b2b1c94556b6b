"""By keyboard alone: an authenticator app with its recovery codes, and passkeys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.keyboard import (
    confirm,
    expect_page,
    expect_toast,
    fill,
    follow,
    go_to,
    log_in,
    log_out,
    open_settings,
    press,
)
from aistrale.tests.end_to_end.test_account_pages import code

Newcomer = Callable[[], str]


def open_security(page: Page) -> None:
    open_settings(page, "Security")


def keep_codes(page: Page) -> list[str]:
    expect_page(page, "Recovery codes")
    go_to(page, page.get_by_role("button", name="Download"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    follow(page, "I've saved them", "Security")
    return download.value.path().read_text().split()


def set_up_app(page: Page) -> tuple[str, list[str]]:
    """The key of the app, and the recovery codes."""
    press(page, page.get_by_role("link", name="Set up app"))
    confirm(page)
    expect(page.get_by_role("button", name="Copy key")).to_be_visible()
    key = page.locator("#totp-key").inner_text()
    # Sent by itself once it is complete.
    fill(page, "6-digit code", code(key))
    return key, keep_codes(page)


def test_it_sets_up_an_app_and_logs_in_with_its_code(keyboard: Page, newcomer: Newcomer) -> None:
    page, email = keyboard, newcomer()
    open_security(page)
    key, codes = set_up_app(page)
    press(page, page.get_by_role("link", name="Generate new codes"))
    press(page, page.get_by_role("button", name="Generate codes"))
    assert not set(keep_codes(page)) & set(codes)

    log_out(page)
    log_in(page, email)
    expect(page.get_by_role("textbox", name="Code", exact=True)).to_be_focused()
    page.keyboard.type(code(key))
    expect_page(page, "Dashboard")


def test_it_logs_in_with_a_recovery_code_and_removes_the_app(keyboard: Page, newcomer: Newcomer) -> None:
    page, email = keyboard, newcomer()
    open_security(page)
    _, codes = set_up_app(page)
    log_out(page)
    log_in(page, email)
    expect_page(page, "Two-factor")
    press(page, page.get_by_text("Use a recovery code"))
    fill(page, "Recovery code", codes[0])
    press(page, page.get_by_role("button", name="Log in with recovery code"))
    expect_page(page, "Dashboard")
    open_security(page)
    press(page, page.get_by_role("link", name="Remove app"))
    confirm(page, code=codes[1])
    press(page, page.get_by_role("button", name="Remove"))
    expect_toast(page, "app")
    expect(page.get_by_role("link", name="Set up app")).to_be_visible()


@pytest.mark.usefixtures("authenticator")
def test_it_adds_renames_uses_and_removes_a_passkey(
    keyboard: Page, newcomer: Newcomer, site: Site, by_name: str
) -> None:
    page, email = keyboard, newcomer()
    page.goto(f"{by_name}/login/")
    log_in(page, email)
    expect_page(page, "Dashboard")
    open_security(page)
    press(page, page.get_by_role("link", name="Add passkey"))
    confirm(page)
    fill(page, "Name", "Laptop")
    press(page, page.get_by_role("button", name="Add passkey"))
    keep_codes(page)
    follow(page, "Rename Laptop", "Rename passkey")
    fill(page, "Name", "Desk")
    page.keyboard.press("Enter")
    expect_page(page, "Security")

    log_out(page)
    press(page, page.get_by_role("button", name="Log in with a passkey"))
    expect_page(page, "Dashboard")
    log_out(page)
    log_in(page, email)
    press(page, page.get_by_role("button", name="Use a passkey"))
    expect_page(page, "Dashboard")
    open_security(page)
    press(page, page.get_by_role("link", name="Remove Desk"))
    press(page, page.get_by_role("button", name="Use a passkey"))
    press(page, page.get_by_role("button", name="Remove passkey"))
    expect_toast(page, "Passkey removed")
