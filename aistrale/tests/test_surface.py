"""The shell in a real browser: themes, sidebar, messages, and what axe finds."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from aistrale.tests.browser import ADMIN, Site, log_in

PASSWORD = "an engine that weaves"
WIDE, NARROW = 1440, 320
PAGES = [
    *("/", "/chat/", "/tokens/", "/tokens/add/", "/telemetry/", "/password/", "/logout/", "/nothing-here/", "/system/"),
    *(
        "/admin/",
        "/admin/accounts/user/",
        "/admin/accounts/team/add/",
        "/admin/telemetry/priceoverride/add/",
        "/admin/audit/auditevent/1/change/",
    ),
]


@pytest.fixture(scope="module")
def session(chromium: Browser, site: Site) -> str:
    """The cookies of the administrator, so that not every test has to log in."""
    context = chromium.new_context()
    log_in(context.new_page(), site)
    state = json.dumps(context.storage_state())
    context.close()
    return state


@pytest.fixture
def signed_in(page: Page, site: Site, session: str) -> Page:
    page.context.add_cookies(json.loads(session)["cookies"])
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(site.url)
    return page


def set_theme(page: Page, choice: str) -> None:
    page.locator("[popovertarget=user-menu]").click()
    with page.expect_response("**/account/theme/"):
        page.get_by_role("button", name=choice).click()
    page.keyboard.press("Escape")


def is_dark(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.classList.contains('dark')"))


def faults(page: Page) -> list[str]:
    results = Axe().run(page, options={"preload": False}).response
    return [f"{fault['id']}: {[node['target'] for node in fault['nodes']]}" for fault in results["violations"]]


def check_usable(page: Page) -> None:
    page.wait_for_timeout(200)  # seconds / 1000: messages come in after 100
    assert faults(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), "scrolls sideways"


def test_it_changes_the_theme_at_once_and_keeps_it(signed_in: Page) -> None:
    set_theme(signed_in, "Dark")
    expect(signed_in.locator("html")).to_have_class("dark")
    signed_in.reload()
    assert is_dark(signed_in)
    set_theme(signed_in, "Follow system")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system(signed_in: Page, scheme: Literal["light", "dark"]) -> None:
    signed_in.emulate_media(color_scheme=scheme)
    signed_in.reload()
    assert is_dark(signed_in) == (scheme == "dark")


def test_it_folds_the_sidebar_and_keeps_it_folded(signed_in: Page) -> None:
    signed_in.get_by_role("button", name="Fold").click()
    signed_in.reload()
    width = signed_in.locator("#shell-nav").bounding_box()
    assert width and width["width"] < 60
    expect(signed_in.get_by_role("link", name="Tokens")).to_be_visible()


def test_it_opens_the_menu_on_a_narrow_screen_and_closes_it_by_keyboard(signed_in: Page) -> None:
    signed_in.set_viewport_size({"width": NARROW, "height": 700})
    expect(signed_in.get_by_role("link", name="Tokens")).to_be_hidden()
    signed_in.get_by_role("button", name="Menu").press("Enter")
    expect(signed_in.get_by_role("link", name="Tokens")).to_be_visible()
    signed_in.keyboard.press("Escape")
    expect(signed_in.get_by_role("button", name="Menu")).to_be_focused()


def test_it_skips_to_the_content(signed_in: Page) -> None:
    signed_in.keyboard.press("Tab")
    expect(signed_in.get_by_role("link", name="Skip to content")).to_be_focused()
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("#content")).to_be_focused()


def test_it_brings_the_input_back_when_the_session_had_ended(signed_in: Page, site: Site) -> None:
    signed_in.goto(f"{site.url}/tokens/add/")
    signed_in.get_by_label("Name", exact=True).fill("My token")
    signed_in.locator("input[type=password]").fill("sk-0123456789abcdef")
    signed_in.context.clear_cookies(name="session")
    signed_in.locator("main form button:not([type=button])").first.click()
    signed_in.wait_for_url("**/login/**")
    assert "sk-0123" not in str(signed_in.evaluate("sessionStorage['kept-form']"))
    signed_in.get_by_label("E-mail address").fill(ADMIN)
    signed_in.locator("input[type=password]").fill("correct horse battery staple")
    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url("**/tokens/add/")
    expect(signed_in.get_by_label("Name", exact=True)).to_have_value("My token")
    expect(signed_in.locator("#toasts")).to_contain_text("Your input is back")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("path", PAGES)
def test_it_is_accessible(signed_in: Page, site: Site, path: str, width: int, scheme: Literal["light", "dark"]) -> None:
    signed_in.emulate_media(color_scheme=scheme)
    signed_in.set_viewport_size({"width": width, "height": 900})
    signed_in.goto(f"{site.url}{path}")
    check_usable(signed_in)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_it_has_an_accessible_login_page(page: Page, site: Site, width: int, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{site.url}/login/")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.get_by_label("E-mail address").fill("nobody@example.org")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    check_usable(page)


def test_it_shows_the_password_on_request(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/login/")
    page.get_by_label("Password", exact=True).fill("visible")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#id_password")).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(page.locator("#id_password")).to_have_attribute("type", "password")


def test_it_goes_from_the_link_to_the_dashboard_and_out(page: Page, fresh_site: Site) -> None:
    assert fresh_site.setup_link
    page.goto(fresh_site.setup_link)
    check_usable(page)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, once more").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.locator("[popovertarget=user-menu]").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#toasts")).to_contain_text("You are logged out.")
    page.goto(fresh_site.setup_link)
    expect(page.get_by_role("heading")).to_have_text("This server is set up already")
