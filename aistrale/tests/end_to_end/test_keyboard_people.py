"""By keyboard alone: come in by invitation, look after one's account, leave; and make teams and share with them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site
from aistrale.tests.end_to_end.keyboard import (
    choose,
    confirm,
    expect_page,
    expect_toast,
    fill,
    follow,
    go_to,
    log_in,
    log_out,
    open_dialog,
    open_settings,
    open_user_menu,
    press,
)
from aistrale.tests.end_to_end.usability import check_usable

Newcomer = Callable[[], str]
NEW_PASSWORD = "staple battery horse correct"


def invite(page: Page, email: str) -> None:
    """With the form open, where the address is asked for first."""
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    expect_page(page, f"Invitation for {email}")


def test_it_invites_somebody_who_comes(keyboard: Page, newcomer: Newcomer) -> None:
    page, now = keyboard, time.monotonic_ns()
    guest, unwanted = f"guest-{now}@example.org", f"unwanted-{now}@example.org"
    newcomer()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    follow(page, "Users", "Users")
    press(page, page.get_by_role("link", name="Invite user"))
    confirm(page)
    invite(page, unwanted)
    follow(page, "Done", "Users")
    withdraw = page.get_by_role("link", name=f"Revoke the invitation for {unwanted}")
    dialog = open_dialog(page, withdraw, "Revoke the invitation", key="Shift+Tab")  # below all people
    press(page, dialog.get_by_role("button", name="Revoke"))
    expect(withdraw).to_have_count(0)

    follow(page, "Invite user", "Invite user")
    invite(page, guest)
    copy = page.get_by_role("button", name="Copy link")
    press(page, copy)
    expect(page.locator("#announcer")).to_have_text("Copied")
    expect(copy).to_be_focused()
    link = str(page.evaluate("navigator.clipboard.readText()"))
    page.context.clear_cookies()
    page.goto(link)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Guest")
    fill(page, "Password", PASSWORD)
    fill(page, "Confirm password", PASSWORD)
    press(page, page.get_by_role("button", name="Create account"))
    expect_page(page, "Dashboard")


def open_teams(page: Page) -> None:
    follow(page, "Teams", "Teams")


def test_it_makes_a_team_and_shares_a_token_with_it(keyboard: Page, site: Site, newcomer: Newcomer) -> None:
    page, email = keyboard, newcomer()
    name = f"Crew {time.monotonic_ns()}"
    open_teams(page)
    press(page, page.get_by_role("link", name="Create team"))
    fill(page, "Name", name)
    page.keyboard.press("Enter")
    expect_toast(page, name)
    dialog = open_dialog(page, page.get_by_role("link", name=f"Add member to {name}"), "Add member")
    fill(page, "Email", email)
    press(page, dialog.get_by_role("button", name="Add member"))
    expect(page.get_by_role("list", name=f"Members of {name}")).to_contain_text(email)
    dialog = open_dialog(page, page.get_by_role("link", name=f"Rename {name}"), "Rename")
    fill(page, "Name", f"{name} B")
    press(page, dialog.get_by_role("button", name="Rename"))
    expect(page.get_by_role("heading", name=f"{name} B")).to_be_visible()

    share_a_token(page, f"Team {name} B")
    open_teams(page)
    dialog = open_dialog(page, page.get_by_role("link", name=f"Leave {name} B"), "Leave")
    press(page, dialog.get_by_role("button", name="Leave"))
    expect(page.get_by_role("heading", name="No members yet")).to_be_visible()
    dialog = open_dialog(page, page.get_by_role("link", name=f"Delete {name} B"), "Delete")
    fill(page, "Type the team name to confirm", f"{name} B")
    press(page, dialog.get_by_role("button", name="Delete"))
    expect(page.get_by_role("heading", name=f"{name} B")).to_have_count(0)


def share_a_token(page: Page, audience: str) -> None:
    """And take it back."""
    follow(page, "Provider keys", "Provider keys")
    follow(page, "Add key", "Add key")
    fill(page, "Name", "Ours")
    fill(page, "Key", "sk-good-0123456789")
    choose(page, "Shared with", audience)
    press(page, page.get_by_role("button", name="Save without testing"))
    badge = page.locator("#tokens").get_by_text(f"Shared with the {audience.replace('Team', 'team')}")
    expect(badge).to_be_visible()
    follow(page, "Edit Ours", "Edit “Ours”")
    choose(page, "Shared with", "Nobody")
    press(page, page.get_by_role("button", name="Save", exact=True))
    expect_page(page, "Provider keys")
    expect(badge).to_have_count(0)


def open_profile(page: Page) -> None:
    open_settings(page, "Profile")


def test_it_changes_the_profile(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    menu = open_user_menu(page)
    dark = menu.get_by_role("button", name="Dark")
    press(page, dark)
    expect(page.locator("html")).to_have_class("dark")
    expect(dark).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[popovertarget=user-menu]")).to_be_focused()
    open_profile(page)
    fill(page, "Name", "Somebody else")
    choose(page, "Time zone", "Tokyo")
    choose(page, "Theme", "Light")
    choose(page, "Default model", "Last used")
    press(page, page.get_by_role("button", name="Save"))
    expect_toast(page, "Profile saved")
    expect(page.locator("html")).not_to_have_class("dark")
    press(page, page.locator("#toasts").get_by_role("button", name="Dismiss"), key="Shift+Tab")
    expect(page.locator("#content")).to_be_focused()


def test_it_gives_the_focus_back_after_a_slow_answer(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    requests: list[Route] = []
    page.route("**/account/theme/", lambda route: requests.append(route))
    dark = open_user_menu(page).get_by_role("button", name="Dark")
    press(page, dark)
    expect(dark).to_be_disabled()
    expect(page.locator("body")).to_be_focused()
    while not requests:  # the control goes first, then its request
        page.wait_for_timeout(20)
    requests[0].continue_()
    expect(dark).to_be_focused()


def test_it_shows_a_key_once_and_revokes_it(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_settings(page, "API keys")
    press(page, page.get_by_role("link", name="Create key"))
    confirm(page)
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Nightly")
    page.keyboard.press("Enter")
    expect(page.locator("main code").first).to_have_text(re.compile("^ais_"))
    go_to(page, page.get_by_role("button", name="Copy secret key"))
    follow(page, "Done", "API keys")
    dialog = open_dialog(page, page.get_by_role("link", name="Revoke Nightly"), "Revoke “Nightly”?")
    check_usable(page)
    press(page, dialog.get_by_role("button", name="Revoke"))
    expect_toast(page, "API key “Nightly” revoked")


def test_it_changes_the_password_and_logs_out(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_settings(page, "Security")
    press(page, page.get_by_role("link", name="Change password"))
    confirm(page)
    fill(page, "New password", NEW_PASSWORD)
    fill(page, "Confirm new password", NEW_PASSWORD)
    press(page, page.get_by_role("button", name="Change password"))
    expect_toast(page, "Password changed")
    log_out(page)


def test_it_ends_one_session_and_then_the_others(keyboard: Page, site: Site, newcomer: Newcomer) -> None:
    page, email = keyboard, newcomer()
    for _ in range(3):
        page.context.clear_cookies()
        page.goto(f"{site.url}/login/")
        log_in(page, email)
        expect_page(page, "Dashboard")
    open_settings(page, "Sessions")
    ends = page.get_by_role("button", name=re.compile("^Sign out .* at "))
    expect(ends).to_have_count(3)
    press(page, ends.first)
    expect(ends).to_have_count(2)
    press(page, page.get_by_role("button", name="Sign out other sessions"))
    expect_toast(page, "Signed out 2 other sessions")
    expect(ends).to_have_count(0)


def test_it_takes_the_data_along_and_erases_the_account(keyboard: Page, site: Site, newcomer: Newcomer) -> None:
    page, email = keyboard, newcomer()
    open_profile(page)
    press(page, page.get_by_role("link", name="Data", exact=True))
    confirm(page)
    go_to(page, page.get_by_role("link", name="Download"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert json.loads(download.value.path().read_text().partition("\n")[0])["of"] == email
    press(page, page.get_by_role("link", name="Delete account"))
    expect(page.get_by_label(f"Type {email} to confirm")).to_be_focused()
    page.keyboard.type(email)
    press(page, page.get_by_role("button", name="Delete permanently"))
    expect_page(page, "Your account is deleted")
