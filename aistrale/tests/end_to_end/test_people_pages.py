"""People, invitations, profiles, keys and erasure in a real browser, and what axe finds where they ask."""

from __future__ import annotations

import json
import re
import time

from playwright.sync_api import Browser, Page, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site, log_in
from aistrale.tests.end_to_end.test_account_pages import confirm, person
from aistrale.tests.end_to_end.usability import check_usable


def new_address(name: str) -> str:
    return f"{name}-{time.monotonic_ns()}@example.org"


def invite(page: Page, site: Site, email: str) -> str:
    """As an administrator; gives the link."""
    page.goto(f"{site.url}/people/invite/")
    if page.get_by_role("heading", name="Confirm it's you").count():
        confirm(page)
    page.get_by_label("Email").fill(email)
    page.keyboard.press("Enter")
    return page.locator("main code").first.inner_text()


def test_it_goes_from_the_invitation_to_the_erasure(page: Page, site: Site, chromium: Browser) -> None:
    log_in(page, site)
    email = new_address("dora")
    link = invite(page, site, email)
    guest = chromium.new_page()
    guest.goto(link)
    expect(guest.get_by_text(email)).to_be_visible()
    guest.get_by_label("Name").fill("Dora")
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("Confirm password").fill(PASSWORD)
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("heading", name="Dashboard")).to_be_visible()
    guest.goto(link)
    expect(guest.get_by_role("heading")).to_have_text("This invitation was already used")

    guest.goto(f"{site.url}/account/profile/")
    guest.get_by_label("Time zone").select_option("Asia/Tokyo")
    guest.locator("#id_theme").select_option("dark")
    guest.get_by_role("button", name="Save").click()
    expect(guest.locator("#toasts")).to_contain_text("Profile saved")
    expect(guest.locator("html")).to_have_class("dark")

    guest.goto(f"{site.url}/account/data/")
    confirm(guest)
    with guest.expect_download() as download:
        guest.get_by_role("link", name="Download").click()
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert lines[0]["of"] == email and lines[-1] == {"kind": "end", "lines": len(lines)}

    guest.get_by_role("link", name="Delete account").click()
    guest.get_by_label(f"Type {email} to confirm").fill(email)
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    guest.goto(site.url)
    expect(guest).to_have_url(re.compile("/login/"))
    guest.close()
    page.goto(f"{site.url}/people/?q={email}")
    expect(page.get_by_text("No users match these filters")).to_be_visible()


def test_it_changes_a_role_in_the_dialog(page: Page, site: Site) -> None:
    log_in(page, site)
    email = person(site, "role")
    page.goto(f"{site.url}/account/data/")
    confirm(page)
    page.goto(f"{site.url}/people/?q={email}")
    page.get_by_role("link", name=email, exact=True).click()
    page.get_by_role("link", name="Change role").press("Enter")
    page.get_by_role("dialog").get_by_label("Role").select_option("engineer")
    page.get_by_role("button", name="Change role").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("is now engineer")


def test_it_offers_the_zone_of_the_browser(chromium: Browser, site: Site) -> None:
    page = chromium.new_page(timezone_id="Europe/Berlin")
    log_in(page, site, person(site, "zone"))
    page.goto(f"{site.url}/account/profile/")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.close()


def test_it_asks_on_accessible_pages_of_the_admin_site(page: Page, site: Site, chromium: Browser) -> None:
    log_in(page, site)
    email = person(site, "asked")
    with chromium.new_context() as context:
        log_in(context.new_page(), site, email)
    page.goto(f"{site.url}/account/data/")
    confirm(page)
    sessions = f"{site.url}/admin/accounts/usersession/?q={email}"
    people = f"{site.url}/admin/accounts/user/?q={email}"
    for listed, action in [
        (sessions, "delete_selected"),
        (people, "log_out"),
        (people, "remove_second_factors"),
        (people, "make_password_links"),
    ]:
        page.goto(listed)
        page.locator("input[name=_selected_action]").first.check()
        page.locator("select[name=action]").select_option(action)
        page.locator("button[name=index]").click()
        expect(page.locator("input[name=action][type=hidden]")).to_have_value(action)
        check_usable(page)
    page.get_by_role("button", name="Create links").click()
    expect(page.locator("main code")).to_contain_text("/password/reset/")
    check_usable(page)
    site.manage(
        *("add_token", "--owner", email, "--provider", "openai", "--label", "Old", "--no-check"), stdin="sk-0123456789"
    )
    for listed in (sessions, f"{site.url}/admin/tokens/providertoken/"):
        page.goto(listed)
        page.locator("#result_list tbody a").first.click()
        page.get_by_role("link", name="Delete").click()
        expect(page.get_by_role("button", name="Yes, I’m sure")).to_be_visible()
        check_usable(page)
