from __future__ import annotations

from playwright.sync_api import Page

from aistrale.tests.end_to_end.browser import Site, log_in


def test_it_lets_an_administrator_in(page: Page, site: Site) -> None:
    log_in(page, site)
    assert page.locator("main").is_visible()


def test_it_asks_strangers_to_log_in(page: Page, site: Site) -> None:
    page.goto(site.url)
    assert "/login/" in page.url


def test_it_offers_the_first_visitor_to_set_up_an_administrator(page: Page, fresh_site: Site) -> None:
    assert fresh_site.setup_link
    page.goto(fresh_site.setup_link)
    assert page.locator("input[type=password]").first.is_visible()
