"""A page that is used by keyboard alone, with a focus that can be seen at every stop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site

MOST_STOPS = 80
MADE_AT_ONCE = 8
MAKE = """
import sys
from accounts.models import User
password, *emails = sys.stdin.read().split("\\n")
for email in emails:
    User.objects.create_superuser(email, password)
"""
# Whether the target is reached, or else what has the focus and does not show it, with a ring of its own, of the row
# that it stands for, or of the box around it.
LOOK = """(target) => {
  const at = document.activeElement;
  const box = at.getBoundingClientRect();
  const boxes = [at, at.closest(".input-group, .box, .find, .pill, .model-search, .search-box")].filter(Boolean);
  const ringed = [...boxes.map((each) => getComputedStyle(each)), getComputedStyle(at, "::after")]
    .some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1);
  const column = at.querySelector(".hit");
  const drawn = column && getComputedStyle(column).stroke !== "none";
  // The browser itself marks the part of a date that one is in.
  const shown = at === document.body || at.matches("[type^=date]") || drawn || (box.width && box.height && ringed);
  return { reached: at === target, hidden: shown ? "" : at.outerHTML.slice(0, 120) };
}"""


@pytest.fixture
def keyboard(page: Page) -> Page:
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


@pytest.fixture(scope="session")
def newcomers(site: Site) -> Iterator[str]:
    """Addresses of administrators of whom nobody has heard yet. Eight cost little more than one."""

    def make() -> Iterator[str]:
        for batch in count():
            emails = [f"keyboard-{batch}-{number}@example.org" for number in range(MADE_AT_ONCE)]
            site.manage("shell", "-c", MAKE, stdin="\n".join([PASSWORD, *emails]))
            yield from emails

    return make()


@pytest.fixture
def newcomer(
    keyboard: Page, site: Site, newcomers: Iterator[str], sign_in: Callable[[Page, str], None]
) -> Callable[[], str]:
    """`newcomer()`: somebody new, an administrator, looks at the dashboard; gives the e-mail address."""

    def arrive() -> str:
        email = next(newcomers)
        sign_in(keyboard, email)
        keyboard.goto(site.url)
        return email

    return arrive


def go_to(page: Page, target: Locator, *, key: str = "Tab") -> None:
    """With Tab from stop to stop."""
    # Scripts hear no key on a page that has just come, nor htmx in what it has just swapped or is about to swap.
    page.wait_for_load_state()
    expect(page.locator(".htmx-request, .htmx-settling")).to_have_count(0)
    expect(target).to_be_visible()
    element = target.element_handle()
    if page.evaluate("(target) => target === document.activeElement", element):
        return
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        seen = page.evaluate(LOOK, element)
        assert seen["hidden"] == ""
        if seen["reached"]:
            return
    raise AssertionError(f"{target} is not reached by {key}")


def press(page: Page, target: Locator, *, key: str = "Tab") -> None:
    go_to(page, target, key=key)
    page.keyboard.press("Enter")


def follow(page: Page, link: str, heading: str | re.Pattern[str]) -> None:
    """To the page with this heading."""
    press(page, page.get_by_role("link", name=link, exact=True).first)
    expect_page(page, heading)


def expect_page(page: Page, heading: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def field(page: Page, label: str) -> Locator:
    """The first one that is shown and whose label begins so."""
    labelled = page.get_by_label(re.compile(f"^{re.escape(label)}\\b"))
    return labelled.and_(page.locator("input, select, textarea")).filter(visible=True).first


def fill(page: Page, label: str, text: str) -> None:
    go_to(page, field(page, label))
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def choose(page: Page, label: str, option: str) -> None:
    """In a list of choices, by the first letters."""
    go_to(page, field(page, label))
    page.keyboard.type(option)
    expect(field(page, label).locator("option:checked")).to_have_text(re.compile(f"^{re.escape(option)}"))


def confirm(page: Page, *, code: str = "") -> None:
    question = page.get_by_role("heading", name="Confirm it's you")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type(PASSWORD)
    if code:
        fill(page, "Authenticator or recovery code", code)
    page.keyboard.press("Enter")
    expect(question).to_have_count(0)


def open_dialog(page: Page, opener: Locator, title: str, *, key: str = "Tab") -> Locator:
    """Escape leaves it, back to what has opened it; then it is opened again, and holds the focus."""
    dialog = page.get_by_role("dialog", name=title)
    press(page, opener, key=key)
    expect_focus_within(dialog)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect_focus_within(dialog)
    return dialog


def expect_focus_within(part: Locator) -> None:
    expect(part.locator(":focus")).to_have_count(1)


def expect_toast(page: Page, text: str) -> None:
    expect(page.locator("#toasts")).to_contain_text(text)


def open_settings(page: Page, tab: str) -> None:
    press(page, open_user_menu(page).get_by_role("link", name="Settings"))
    expect_page(page, "Profile")
    if tab != "Profile":
        press(page, page.get_by_role("navigation", name="Settings").get_by_role("link", name=tab, exact=True))
        expect_page(page, tab)


def open_administration(page: Page) -> None:
    """Django admin, by way of the system page."""
    follow(page, "System", "System")
    press(page, page.get_by_role("link", name="Administration", exact=True))
    expect(page.get_by_role("heading", name="Administration")).to_be_visible()


def open_user_menu(page: Page) -> Locator:
    menu = page.locator("#user-menu")
    press(page, page.locator("[popovertarget=user-menu]"))
    expect(menu).to_be_visible()
    return menu


def log_out(page: Page) -> None:
    press(page, open_user_menu(page).get_by_role("button", name="Log out"))
    expect(page.get_by_label("Email")).to_be_focused()


def log_in(page: Page, email: str) -> None:
    """From the page that asks for it."""
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(email)
    fill(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
