"""What lists look like, where no other rule of the house may undo it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site, add_administrator, log_in

INVITER = "inviter@example.org"


def test_it_shows_buttons_in_tables_as_buttons_and_what_clears_filters_beside_them(page: Page, site: Site) -> None:
    add_administrator(site, INVITER)
    log_in(page, site, INVITER)
    page.goto(f"{site.url}/people/invite/")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("E-mail address").fill("looked-at@example.org")
    page.get_by_role("button", name="Make the link").click()
    page.get_by_role("link", name="Done").click()
    page.goto(f"{site.url}/people/?q=looked-at")
    expect(page.get_by_role("link", name="Withdraw the invitation")).to_have_css("text-decoration-line", "none")
    tops = [page.get_by_text(words, exact=True).first.bounding_box() for words in ("Filter", "Clear filters")]
    assert len({box and round(box["y"]) for box in tops}) == 1
