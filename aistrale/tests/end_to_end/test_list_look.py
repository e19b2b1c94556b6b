"""What lists look like where no other rule of the house may undo it, and how they are filtered."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site, add_administrator, log_in

INVITER = "inviter@example.org"


def test_it_shows_buttons_in_tables_as_buttons(page: Page, site: Site) -> None:
    add_administrator(site, INVITER)
    log_in(page, site, INVITER)
    page.goto(f"{site.url}/people/invite/")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Email").fill("looked-at@example.org")
    page.get_by_role("button", name="Create link").click()
    page.get_by_role("link", name="Done").click()
    page.goto(f"{site.url}/people/?q=looked-at")
    expect(page.get_by_role("link", name="Revoke the invitation")).to_have_css("text-decoration-line", "none")


def test_it_filters_in_place_and_the_address_keeps_up(signed_in: Page, site: Site) -> None:
    page, address = signed_in, f"{site.url}/audit/"
    page.goto(address)
    page.evaluate("window.isStillHere = true")
    field, chip = page.get_by_role("combobox", name="Outcome"), page.get_by_role("link", name="Outcome: Success")
    field.focus()
    field.select_option("success")
    expect(chip).to_be_visible()
    expect(field).to_be_focused()
    assert "outcome=success" in page.url
    chip.press("Enter")
    expect(chip).to_have_count(0)
    expect(page).to_have_url(address)
    assert page.evaluate("[window.isStillHere, scrollY]") == [True, 0]
    page.go_back()
    expect(chip).to_be_visible()
    page.reload()
    expect(chip).to_be_visible()
