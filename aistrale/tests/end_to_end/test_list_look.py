"""What lists look like where no other rule of the house may undo it, and how they are filtered."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

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


def test_it_keeps_what_is_typed_and_what_is_open_while_it_filters(signed_in: Page, site: Site) -> None:
    page = signed_in
    page.goto(f"{site.url}/telemetry/")
    words = page.get_by_role("searchbox", name="Words in input or output")
    words.press_sequentially("invoice for the depot", delay=60)
    page.wait_for_url("**q=invoice+for+the+depot")
    expect(words).to_have_value("invoice for the depot")
    expect(words).to_be_focused()
    page.get_by_role("button", name="More").click()
    page.get_by_label("Rating", exact=True).select_option("good")
    page.wait_for_url("**rating=good")
    expect(page.get_by_label("Rating", exact=True)).to_be_visible()
    page.get_by_label("Tag", exact=True).fill("production")
    page.get_by_label("Tag", exact=True).press("Enter")
    expect(page.get_by_role("link", name="Tag: production, remove")).to_be_visible()


def test_it_filters_without_scripts(site: Site, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site)
    page.goto(f"{site.url}/telemetry/")
    page.get_by_role("combobox", name="Status").select_option("failed")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("link", name="Status: Failed, remove")).to_be_visible()
    page.get_by_role("link", name="Status: Failed, remove").click()
    expect(page).to_have_url(f"{site.url}/telemetry/")
    context.close()
