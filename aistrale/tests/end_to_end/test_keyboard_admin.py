"""By keyboard alone: the lists, actions and forms of the admin site, and what administrators do to people."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.keyboard import (
    choose,
    confirm,
    expect_focus_within,
    expect_page,
    expect_toast,
    fill,
    go_to,
    open_administration,
    press,
)

Newcomer = Callable[[], str]


def skip(page: Page) -> None:
    """What stands before the content of a page that has just come."""
    press(page, page.get_by_role("link", name="Skip to main content"))
    expect(page.locator("main")).to_be_focused()


def open_admin(page: Page, name: str) -> None:
    open_administration(page)
    skip(page)
    press(page, page.locator("#content-main").get_by_role("link", name=name, exact=True))
    expect(page.locator("#changelist")).to_be_visible()
    skip(page)


def search(page: Page, text: str) -> None:
    go_to(page, page.get_by_role("textbox", name="Search"))
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    skip(page)


def test_it_changes_a_role_in_the_dialog(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    colleague, _ = newcomer(), newcomer()
    press(page, page.get_by_role("link", name="Users", exact=True))
    fill(page, "Search", colleague)
    page.keyboard.press("Enter")
    press(page, page.get_by_role("link", name=colleague, exact=True))
    expect_page(page, colleague)
    press(page, page.get_by_role("link", name="Change role"))
    confirm(page)
    dialog = page.get_by_role("dialog", name="Change role")
    expect_focus_within(dialog)
    choose(page, "Role", "Engineer")
    press(page, dialog.get_by_role("button", name="Change role"))
    expect_toast(page, "is now engineer")


def run_action(page: Page, name: str) -> None:
    """On the only row."""
    row = page.locator("input[name=_selected_action]")
    go_to(page, row)
    page.keyboard.press("Space")
    expect(row).to_be_checked()
    choose(page, "Action", name)
    press(page, page.get_by_role("button", name="Go"))


def test_it_runs_an_action_on_chosen_rows(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    colleague, _ = newcomer(), newcomer()
    open_admin(page, "Users")
    search(page, colleague)
    run_action(page, "Create password")
    confirm(page)
    expect(page.get_by_role("status")).to_contain_text("Your input was restored")
    expect(page.locator("input[name=_selected_action]")).to_be_checked()
    press(page, page.get_by_role("button", name="Go"))
    press(page, page.get_by_role("button", name="Create links"))
    expect(page.locator("main code")).to_contain_text("/password/reset/")


def test_it_changes_a_role_in_a_form_that_asks_first(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    colleague, _ = newcomer(), newcomer()
    open_admin(page, "Users")
    search(page, colleague)
    press(page, page.locator("#result_list tbody th a"))
    confirm(page)
    choose(page, "Role", "Engineer")
    press(page, page.get_by_role("button", name="Save", exact=True))
    press(page, page.get_by_role("button", name="Change it"))
    expect(page.locator(".messagelist")).to_contain_text("was changed")


def test_it_narrows_a_list_by_filter_and_date(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_admin(page, "Users")
    filters = page.get_by_role("navigation", name="Filter")
    press(page, filters.get_by_role("link", name="Engineer"), key="Shift+Tab")
    page.wait_for_url("**role__exact=engineer*")
    press(page, filters.get_by_role("link", name="Administrator"), key="Shift+Tab")
    page.wait_for_url("**role__exact=administrator*")
    press(page, page.locator(".toplinks a").last)
    page.wait_for_url("**date_joined__*")
    press(page, page.locator("#result_list thead").get_by_role("link", name="Role"))
    page.wait_for_url("**o=*")


def test_it_makes_a_team_with_a_member_who_is_found_while_typing(keyboard: Page, newcomer: Newcomer) -> None:
    page, email = keyboard, newcomer()
    name = f"Found {time.monotonic_ns()}"
    open_admin(page, "Teams")
    press(page, page.get_by_role("link", name="Add team"))
    fill(page, "Name", name)
    press(page, page.get_by_role("button", name="Add another Member"))
    choice = page.locator("#memberships-0 .select2-selection")
    go_to(page, choice, key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".select2-search__field")).to_be_focused()
    page.keyboard.type(email)
    expect(page.locator(".select2-results__option--highlighted")).to_contain_text(email)
    page.keyboard.press("Enter")
    expect(choice).to_be_focused()
    expect(choice).to_contain_text(email)
    press(page, page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".messagelist")).to_contain_text(name)


def test_it_deletes_what_it_has_asked_about(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    colleague, _ = newcomer(), newcomer()
    open_admin(page, "User sessions")
    search(page, colleague)
    press(page, page.locator("#result_list tbody th a"))
    press(page, page.get_by_role("link", name="Delete"))
    confirm(page)
    press(page, page.get_by_role("link", name="No, take me back"))
    press(page, page.get_by_role("link", name="Delete"))
    press(page, page.get_by_role("button", name="Yes, I’m sure"))
    expect(page.locator(".messagelist")).to_contain_text("was deleted")
