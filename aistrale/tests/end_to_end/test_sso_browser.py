"""Single sign-on in a real browser: its rules for forms and referrers are not those of a test client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import Page, expect

from accounts.tests.sso import PEOPLE
from aistrale.tests.end_to_end.browser import Site, running_site
from aistrale.tests.end_to_end.usability import check_usable

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")


@pytest.fixture
def sso_site(tmp_path: Path) -> Iterator[Site]:
    """Lets in whom the provider knows."""
    with (
        run_server_in_thread(user_claims=PEOPLE) as server,
        running_site(
            tmp_path,
            AISTRALE_OIDC_SERVER=f"http://localhost:{server.server_port}",
            AISTRALE_OIDC_CLIENT_ID="aistrale",
            AISTRALE_OIDC_CLIENT_SECRET="any-will-do",
            AISTRALE_OIDC_NAME="our SSO",
            AISTRALE_OIDC_CREATE_USERS="true",
            AISTRALE_OIDC_ROLE_CLAIM="groups",
            AISTRALE_OIDC_ADMINISTRATORS="admins",
        ) as site,
    ):
        yield site


def be_the_boss(page: Page) -> None:
    """On the page of the provider."""
    page.wait_for_url(re.compile("/oauth2/authorize"))
    page.get_by_role("button", name="boss", exact=True).first.click()


def test_it_logs_in_and_confirms_at_the_provider(page: Page, sso_site: Site) -> None:
    page.goto(f"{sso_site.url}/chat/")
    check_usable(page)
    page.get_by_role("button", name="Log in with our SSO").click()
    be_the_boss(page)
    page.wait_for_url("**/chat/")
    token = ("add_token", "--owner", "boss@example.org", "--provider", "openai", "--label", "Mine", "--no-check")
    sso_site.manage(*token, "--base-url", "https://llm.example.org/v1", stdin="sk-0123456789abcdef")
    page.goto(f"{sso_site.url}/tokens/")
    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("Name", exact=True).fill("Renamed")
    page.get_by_label("Base URL").fill("https://other.example.org/v1")
    page.locator("input[name=secret]").fill("sk-fedcba9876543210")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    check_usable(page)
    page.get_by_role("button", name="Continue to our SSO").click()
    be_the_boss(page)
    expect(page.locator("#toasts")).to_contain_text("Your input was restored")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Renamed")
