"""The shell in a real browser: themes, sidebar, messages, and what axe finds."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import ADMIN, Site
from aistrale.tests.end_to_end.usability import NARROW, SCHEMES, Scheme, check_usable

PASSWORD = "an engine that weaves"


@pytest.fixture
def dashboard(signed_in: Page, site: Site) -> Page:
    signed_in.goto(site.url)
    return signed_in


def set_theme(page: Page, choice: str) -> None:
    page.locator("[popovertarget=user-menu]").click()
    with page.expect_response("**/account/theme/"):
        page.get_by_role("button", name=choice).click()
    page.keyboard.press("Escape")


def is_dark(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.classList.contains('dark')"))


def test_it_changes_the_theme_at_once_and_keeps_it(dashboard: Page) -> None:
    set_theme(dashboard, "Dark")
    expect(dashboard.locator("html")).to_have_class("dark")
    dashboard.reload()
    assert is_dark(dashboard)
    set_theme(dashboard, "System")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_follows_the_system(dashboard: Page, scheme: Scheme) -> None:
    dashboard.emulate_media(color_scheme=scheme)
    dashboard.reload()
    assert is_dark(dashboard) == (scheme == "dark")


def test_it_folds_the_sidebar_and_keeps_it_folded(dashboard: Page) -> None:
    dashboard.get_by_role("button", name="Collapse sidebar").click()
    dashboard.reload()
    width = dashboard.locator("#shell-nav").bounding_box()
    assert width and width["width"] < 60
    expect(dashboard.get_by_role("link", name="Provider keys", exact=True)).to_be_visible()


def test_it_opens_the_menu_on_a_narrow_screen_and_closes_it_by_keyboard(dashboard: Page) -> None:
    dashboard.set_viewport_size({"width": NARROW, "height": 700})
    expect(dashboard.get_by_role("link", name="Provider keys", exact=True)).to_be_hidden()
    dashboard.get_by_role("button", name="Menu").press("Enter")
    expect(dashboard.get_by_role("link", name="Provider keys", exact=True)).to_be_visible()
    dashboard.keyboard.press("Escape")
    expect(dashboard.get_by_role("button", name="Menu")).to_be_focused()


def test_it_skips_to_the_content(dashboard: Page) -> None:
    dashboard.keyboard.press("Tab")
    expect(dashboard.get_by_role("link", name="Skip to content")).to_be_focused()
    dashboard.keyboard.press("Enter")
    expect(dashboard.locator("#content")).to_be_focused()


def test_it_brings_the_input_back_when_the_session_had_ended(signed_in: Page, site: Site) -> None:
    signed_in.goto(f"{site.url}/tokens/add/")
    signed_in.get_by_label("Name", exact=True).fill("My token")
    signed_in.locator("input[type=password]").fill("sk-0123456789abcdef")
    signed_in.context.clear_cookies(name="session")
    signed_in.locator("main form button:not([type=button])").first.click()
    signed_in.wait_for_url("**/login/**")
    assert "sk-0123" not in str(signed_in.evaluate("sessionStorage['kept-form']"))
    signed_in.get_by_label("Email").fill(ADMIN)
    signed_in.locator("input[type=password]").fill("correct horse battery staple")
    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url("**/tokens/add/")
    expect(signed_in.get_by_label("Name", exact=True)).to_have_value("My token")
    expect(signed_in.locator("#toasts")).to_contain_text("Your input was restored")


def test_it_has_an_accessible_login_page(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/login/")
    expect(page.get_by_label("Email")).to_be_focused()
    page.get_by_label("Email").fill("nobody@example.org")
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
    page.get_by_label("Email").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.locator("[popovertarget=user-menu]").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#toasts")).to_contain_text("Logged out")
    page.goto(fresh_site.setup_link)
    expect(page.get_by_role("heading")).to_have_text("This server is already set up")
