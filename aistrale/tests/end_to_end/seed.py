"""A site on which there is one of everything."""

from __future__ import annotations

from playwright.sync_api import Page

from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, add_administrator


def confirm(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/account/confirm/")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/")


def fill(page: Page, address: str, **fields: str) -> None:
    page.goto(address)
    for name, value in fields.items():
        page.locator(f"main [name={name}]").fill(value)
    with page.expect_event("load"):
        page.keyboard.press("Enter")


def furnish(page: Page, site: Site) -> str:
    """By ADMIN, who has confirmed who they are: one of all with a form of its own. Gives the link of an invitation."""
    # Of oneself, the admin site leads to one's own page for a password.
    add_administrator(site, "colleague@example.org")
    token = ("add_token", "--owner", ADMIN, "--provider", "openai", "--label", "Main", "--no-check")
    site.manage(*token, "--base-url", "http://127.0.0.1:1", stdin="sk-0123456789abcdef")
    site.manage("ask", "--user", ADMIN, "--provider", "echo", "--model", "echo", "Hello")
    fill(page, f"{site.url}/account/teams/add/", name="Research")
    page.goto(f"{site.url}/prompts/add/?type=text")
    page.locator("[name=name]").fill("support/triage")
    page.locator("[name=text]").fill("Sort {{ticket}}")
    page.get_by_role("button", name="Save as v1").click()
    page.get_by_role("heading", name="triage").wait_for()
    fill(page, f"{site.url}/people/invite/", email="dora@example.org")
    return page.locator("main code").inner_text()
