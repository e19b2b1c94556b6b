"""The audit pages in a real browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site


def test_it_finds_the_way_from_an_entry_to_all_that_person_did(signed_in: Page, site: Site) -> None:
    signed_in.goto(f"{site.url}/audit/?action=accounts:session:login")
    signed_in.get_by_role("link", name=re.compile("^Entry ")).first.click()
    signed_in.get_by_role("link", name="All by this actor").click()
    expect(signed_in.get_by_role("list", name="Active filters")).to_contain_text("Actor")


def test_it_saves_the_list_as_a_file(signed_in: Page, site: Site) -> None:
    signed_in.goto(f"{site.url}/audit/")
    signed_in.get_by_role("button", name="Export").click()
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="CSV export").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert "accounts:session:login" in download.value.path().read_text()
