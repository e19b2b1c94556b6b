"""Second factors, passkeys and sessions in a real browser."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from accounts.tests.totp import totp_code
from aistrale.tests.end_to_end.browser import PASSWORD, Site, add_administrator
from aistrale.tests.end_to_end.usability import check_usable


def person(site: Site, name: str) -> str:
    """A new account with PASSWORD; gives its address."""
    email = f"{name}-{time.monotonic_ns()}@example.org"
    add_administrator(site, email)
    return email


def enter(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: not address.endswith("/login/"))


def confirm(page: Page) -> None:
    question = page.get_by_role("heading", name="Confirm it's you")
    expect(question).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(question).to_have_count(0)


def leave(page: Page) -> None:
    page.locator("[popovertarget=user-menu]").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def code(key: str) -> str:
    return totp_code(key, time.time())


def test_it_sets_up_an_app_and_logs_in_with_its_code(page: Page, site: Site) -> None:
    email = person(site, "totp")
    enter(page, site.url, email)
    page.goto(f"{site.url}/account/security/")
    page.get_by_role("link", name="Set up app").click()
    confirm(page)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    key = page.locator("#totp-key").inner_text()
    page.get_by_label("6-digit code").press_sequentially(code(key))
    expect(page.locator("#recovery-codes")).to_be_visible()
    check_usable(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    kept = download.value.path().read_text().split()
    assert len(kept) == 10
    page.get_by_role("link", name="I've saved them").click()
    expect(page.get_by_text("10 left")).to_be_visible()
    leave(page)
    enter(page, site.url, email)
    field = page.get_by_role("textbox", name="Code", exact=True)
    expect(field).to_be_focused()
    assert field.get_attribute("autocomplete") == "one-time-code"
    field.press_sequentially(code(key))
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    leave(page)
    enter(page, site.url, email)
    page.get_by_text("Use a recovery code").click()
    page.get_by_label("Recovery code").fill(kept[0])
    page.get_by_role("button", name="Log in with recovery code").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def add_passkey(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/account/security/passkeys/add/")
    confirm(page)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator("#recovery-codes")).to_be_visible()


@pytest.mark.usefixtures("authenticator")
def test_it_logs_in_with_a_passkey_alone(page: Page, site: Site, by_name: str) -> None:
    email = person(site, "passkey")
    enter(page, by_name, email)
    add_passkey(page, by_name, "Laptop")
    page.get_by_role("link", name="I've saved them").click()
    expect(page.get_by_text("without password")).to_be_visible()
    leave(page)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.locator("[popovertarget=user-menu]").click()
    expect(page.locator("#user-menu")).to_contain_text(email)


@pytest.mark.usefixtures("authenticator")
def test_it_takes_a_passkey_for_the_second_factor_and_for_a_confirmation(page: Page, site: Site, by_name: str) -> None:
    email = person(site, "second")
    enter(page, by_name, email)
    add_passkey(page, by_name, "Blue key")
    page.get_by_role("link", name="I've saved them").click()
    leave(page)
    enter(page, by_name, email)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.goto(f"{by_name}/password/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()


@pytest.mark.usefixtures("authenticator")
def test_it_removes_a_passkey(page: Page, site: Site, by_name: str) -> None:
    enter(page, by_name, person(site, "remove"))
    add_passkey(page, by_name, "Old phone")
    page.get_by_role("link", name="I've saved them").click()
    page.get_by_role("link", name="Remove Old phone").click()
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.locator("#toasts")).to_contain_text("Passkey removed")
    expect(page.get_by_text("Old phone")).to_have_count(0)


def test_it_says_why_there_is_no_passkey_for_a_bare_address(page: Page, site: Site) -> None:
    enter(page, site.url, person(site, "bare"))
    page.goto(f"{site.url}/account/security/passkeys/add/")
    confirm(page)
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator("#toasts")).to_contain_text("Passkeys need a host name")


def test_it_brings_the_input_back_after_a_confirmation(page: Page, site: Site) -> None:
    email = person(site, "kept")
    token = ("add_token", "--owner", email, "--provider", "openai", "--label", "Team")
    site.manage(*token, "--base-url", "https://llm.example.org/v1", "--no-check", stdin="sk-0123456789abcdef")
    enter(page, site.url, email)
    page.goto(f"{site.url}/tokens/")
    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("Name", exact=True).fill("Renamed")
    page.get_by_label("Base URL").fill("https://other.example.org/v1")
    page.locator("input[name=secret]").fill("sk-fedcba9876543210")
    page.get_by_role("button", name="Save").first.click()
    confirm(page)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Renamed")
    expect(page.locator("input[name=secret]")).to_have_value("")
    expect(page.locator("#toasts")).to_contain_text("Your input was restored")


def test_it_logs_out_the_others(page: Page, site: Site) -> None:
    email = person(site, "sessions")
    other = page.context.browser.new_page() if page.context.browser else page
    enter(other, site.url, email)
    enter(page, site.url, email)
    page.goto(f"{site.url}/account/sessions/")
    expect(page.get_by_role("button", name=re.compile("^Sign out .* at "))).to_have_count(1)
    page.get_by_role("button", name="Sign out other sessions").click()
    expect(page.locator("#toasts")).to_contain_text("Signed out 1 other session")
    other.goto(site.url)
    expect(other).to_have_url(re.compile("/login/"))
    other.close()
