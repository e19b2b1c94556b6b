"""A person's whole way in a real browser: invited, with password, app and passkey, at two devices, and erased."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site, log_in
from aistrale.tests.end_to_end.test_account_pages import code, confirm, enter, leave, person
from aistrale.tests.end_to_end.test_people_pages import invite, new_address

# Milliseconds after which nothing of a session that has ended may be open.
ENDS_WITHIN = 5000
NEW_PASSWORD = "another horse battery staple"


@pytest.fixture
def other(chromium: Browser) -> Iterator[Page]:
    """A page at another device."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def test_it_goes_from_the_invitation_to_the_erasure(
    page: Page, other: Page, site: Site, by_name: str, authenticator: None
) -> None:
    email = new_address("eve")
    log_in(other, site)
    accept(page, invite(other, site, email).replace(site.url, by_name))
    key, recovery_codes = add_app(page, by_name)
    leave(page)
    enter(page, by_name, email)
    page.get_by_role("textbox", name="Code", exact=True).press_sequentially(code(key))
    expect_dashboard(page)
    add_passkey(page, by_name, recovery_codes[0])
    leave(page)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect_dashboard(page)

    other.context.clear_cookies()
    enter(other, site.url, email)
    use_recovery_code(other, recovery_codes[1])
    expect_dashboard(other)
    socket = open_chat(other, site)
    page.goto(f"{by_name}/account/sessions/")
    sessions = page.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(sessions.filter(has_text="This device")).to_have_count(1)
    expect(sessions).to_have_count(2)
    page.get_by_role("button", name=re.compile("^Sign out .* at ")).click()
    expect_end(other, socket)
    expect(sessions).to_have_count(1)

    erase(page, by_name, email)
    other.get_by_label("Email").fill(email)
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    other.keyboard.press("Enter")
    expect(other.get_by_text("Incorrect email or password")).to_be_visible()


@pytest.mark.parametrize("step", ["deactivate", "role", "password"])
def test_it_ends_open_chats_within_5_seconds(page: Page, other: Page, site: Site, step: str) -> None:
    email = person(site, step)
    enter(other, site.url, email)
    socket = open_chat(other, site)
    if step == "password":
        enter(page, site.url, email)
        change_password(page, site)
    else:
        log_in(page, site)
        change(page, site, email, step)
    expect_end(other, socket, logged_out=step != "role")


def accept(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Name").fill("Eve")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect_dashboard(page)


def add_app(page: Page, url: str) -> tuple[str, list[str]]:
    page.goto(f"{url}/account/security/totp/")
    confirm(page)
    key = page.locator("#totp-key").inner_text()
    page.get_by_label("6-digit code").press_sequentially(code(key))
    return key, page.locator("#recovery-codes").inner_text().split()


def add_passkey(page: Page, url: str, recovery_code: str) -> None:
    page.goto(f"{url}/account/security/passkeys/add/")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Authenticator or recovery code").fill(recovery_code)
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_text("without password")).to_be_visible()


def use_recovery_code(page: Page, recovery_code: str) -> None:
    page.get_by_text("Use a recovery code").click()
    page.get_by_label("Recovery code").fill(recovery_code)
    page.get_by_role("button", name="Log in with recovery code").click()


def erase(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/account/erase/")
    page.get_by_role("link", name="Use a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_label(f"Type {email} to confirm").fill(email)
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("heading", name="Your account is deleted")).to_be_visible()


def change(page: Page, site: Site, email: str, step: str) -> None:
    page.goto(f"{site.url}/account/data/")
    confirm(page)
    page.goto(f"{site.url}/people/?q={email}")
    page.get_by_role("link", name=email, exact=True).click()
    page.get_by_role("link", name="Change role" if step == "role" else "Deactivate").click()
    dialog = page.get_by_role("dialog")
    if step == "role":
        dialog.get_by_label("Role").select_option("engineer")
    dialog.get_by_role("button", name="Change role" if step == "role" else "Deactivate").click()
    expect(page.locator("#toasts")).to_contain_text("is now engineer" if step == "role" else "deactivated")


def change_password(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/password/")
    confirm(page)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("Confirm new password").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")


def open_chat(page: Page, site: Site) -> WebSocket:
    with page.expect_websocket() as opened:
        page.goto(f"{site.url}/chat/")
    return opened.value


def expect_end(page: Page, socket: WebSocket, *, logged_out: bool = True) -> None:
    if not socket.is_closed():
        socket.wait_for_event("close", timeout=ENDS_WITHIN)
    if logged_out:
        page.goto(page.url)
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def expect_dashboard(page: Page) -> None:
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
