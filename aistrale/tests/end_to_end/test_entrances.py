"""The ways in, on a site with mail and single sign-on, in a real browser; and what axe finds on their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from oidc_provider_mock import User as Person
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import ADMIN, Site, add_administrator, log_in, running_site
from aistrale.tests.end_to_end.test_account_pages import code, confirm, enter, leave, person
from aistrale.tests.end_to_end.usability import check_usable

# The provider runs in a thread of this process, and the library it is made of warns of itself.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")
NEW_PASSWORD = "an engine that weaves algebra"


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="module")
def open_site(tmp_path_factory: pytest.TempPathFactory, mail: Path) -> Iterator[Site]:
    claims = {"email": ADMIN, "email_verified": True}
    people = [Person(sub="boss", claims=claims), Person(sub="liar", claims=claims | {"email_verified": False})]
    with run_server_in_thread(user_claims=people) as provider:
        settings = {
            "AISTRALE_EMAIL_URL": f"file:///{mail}",
            "AISTRALE_OIDC_SERVER": f"http://localhost:{provider.server_port}",
            "AISTRALE_OIDC_CLIENT_ID": "aistrale",
            "AISTRALE_OIDC_CLIENT_SECRET": "s3cret",
            "AISTRALE_OIDC_NAME": "Our SSO",
        }
        with running_site(tmp_path_factory.mktemp("open"), **settings) as site:
            add_administrator(site)
            yield site


def be(page: Page, sub: str) -> None:
    """At the provider."""
    page.locator("input[name=sub]").fill(sub)
    page.get_by_role("button", name="Authorize").click()


def test_it_gives_a_new_password_by_mail(page: Page, open_site: Site, mail: Path) -> None:
    email = person(open_site, "forgetful")
    page.goto(f"{open_site.url}/login/")
    check_usable(page)
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_label("Email")).to_be_visible()
    check_usable(page)
    page.get_by_label("Email").fill(email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/password/reset/sent/")
    check_usable(page)
    [message] = mail.iterdir()
    found = re.search(r"http\S+", message.read_text())
    assert found
    page.goto(found[0])
    check_usable(page)
    page.get_by_label(re.compile("^New password$")).fill(NEW_PASSWORD)
    page.get_by_label("Confirm new password").fill(NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Password changed")).to_be_visible()
    check_usable(page)
    log_in(page, open_site, email, NEW_PASSWORD)


def test_it_tells_at_the_door_whom_single_sign_on_does_not_let_in(page: Page, open_site: Site) -> None:
    page.goto(f"{open_site.url}/login/")
    page.get_by_role("button", name="Log in with Our SSO").click()
    be(page, "liar")
    expect(page.get_by_role("heading", name="Access denied")).to_be_visible()
    check_usable(page)


@pytest.mark.parametrize("path", ["/login/sso/", "/login/sso/callback/?code=wrong&state=wrong"])
def test_it_has_accessible_pages_of_single_sign_on(page: Page, open_site: Site, path: str) -> None:
    page.goto(f"{open_site.url}{path}")
    expect(page.get_by_role("link", name="Back to log-in")).to_be_visible()
    check_usable(page)


def test_it_connects_an_account_to_single_sign_on(page: Page, open_site: Site) -> None:
    log_in(page, open_site)
    page.goto(f"{open_site.url}/account/sso/")
    confirm(page)
    check_usable(page)
    page.get_by_role("button", name="Connect to Our SSO").click()
    be(page, "boss")
    expect(page.get_by_role("heading", name="Connected")).to_be_visible()
    check_usable(page)


def test_it_has_an_accessible_page_for_the_second_factor(page: Page, open_site: Site) -> None:
    email = person(open_site, "second")
    enter(page, open_site.url, email)
    page.goto(f"{open_site.url}/account/security/totp/")
    confirm(page)
    key = page.locator("#totp-key").inner_text()
    page.get_by_label("6-digit code").press_sequentially(code(key))
    page.get_by_role("link", name="I've saved them").click()
    leave(page)
    enter(page, open_site.url, email)
    expect(page.get_by_role("textbox", name="Code", exact=True)).to_be_visible()
    check_usable(page)
    page.get_by_text("Use a recovery code").click()
    page.get_by_label("Recovery code").fill("wrong")
    page.get_by_role("button", name="Log in with recovery code").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    check_usable(page)
