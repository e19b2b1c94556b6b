"""The audit pages in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from aistrale.tests.browser import Site, log_in

WIDE, NARROW = 1440, 320


@pytest.fixture
def signed_in(page: Page, site: Site) -> Page:
    log_in(page, site)
    return page


def faults(page: Page) -> list[str]:
    results = Axe().run(page, options={"preload": False}).response
    return [f"{fault['id']}: {[node['target'] for node in fault['nodes']]}" for fault in results["violations"]]


@pytest.mark.parametrize(
    "path", ["/audit/", "/audit/1/", "/audit/?action=accounts:session:login", "/audit/?start=x", "/audit/checkpoints/"]
)
def test_it_is_usable_in_both_themes_at_both_widths(signed_in: Page, site: Site, path: str) -> None:
    for theme in ("dark", "light"):
        for width in (WIDE, NARROW):
            signed_in.set_viewport_size({"width": width, "height": 900})
            signed_in.goto(site.url + path)
            signed_in.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", theme == "dark")
            signed_in.wait_for_timeout(200)  # colours change slowly
            assert faults(signed_in) == []
            assert not signed_in.evaluate("document.documentElement.scrollWidth > innerWidth"), "scrolls sideways"


def test_it_finds_the_way_from_an_entry_to_all_that_person_did(signed_in: Page, site: Site) -> None:
    signed_in.goto(f"{site.url}/audit/?action=accounts:session:login")
    signed_in.locator("tbody a").first.click()
    signed_in.get_by_role("link", name="all they did").click()
    expect(signed_in.get_by_role("list", name="Filters that are on")).to_contain_text("Who")


def test_it_saves_the_list_as_a_file(signed_in: Page, site: Site) -> None:
    signed_in.goto(f"{site.url}/audit/")
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert "accounts:session:login" in download.value.path().read_text()
