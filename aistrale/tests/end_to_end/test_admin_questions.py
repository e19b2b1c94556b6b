"""The questions that the admin site asks before a change, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site, add_administrator, log_in
from aistrale.tests.end_to_end.usability import check_usable


def test_it_asks_what_comes_of_a_new_role_and_then_changes_it(page: Page, site: Site) -> None:
    email = "demoted@example.org"
    add_administrator(site, email)
    log_in(page, site)
    page.goto(f"{site.url}/admin/accounts/user/?q={email}")
    page.get_by_role("link", name=email).click()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Role").select_option("engineer")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Change the user?")).to_be_visible()
    expect(page.locator("main")).to_contain_text("The role becomes engineer.")
    check_usable(page)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Role")).to_have_value("administrator")
    page.get_by_label("Role").select_option("engineer")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Change it").click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
