"""By keyboard alone: answers and their versions, the list of conversations, and who reads along."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, Locator, Page, expect

from aistrale.tests.end_to_end.chat_page import answers, expect_status
from aistrale.tests.end_to_end.keyboard import (
    choose,
    expect_focus_within,
    expect_toast,
    fill,
    go_to,
    open_dialog,
    press,
)

Newcomer = Callable[[], str]


def open_chat(page: Page) -> None:
    press(page, page.get_by_role("link", name="Chat", exact=True))
    page.wait_for_url("**/chat/")
    expect(page.locator("#model-name")).to_contain_text("Sandbox")


def message(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


def ask(page: Page, text: str) -> None:
    go_to(page, message(page))
    page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".question").last).to_contain_text(text)
    expect_status(page, "succeeded")


def test_it_goes_through_the_versions_of_an_answer(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_chat(page)
    ask(page, "Say one")
    press(page, page.get_by_role("button", name="Regenerate"), key="Shift+Tab")
    siblings = page.locator(".answer .siblings")
    expect(siblings).to_contain_text("2/2")
    expect_status(page, "succeeded")
    expect(message(page)).to_be_focused()
    press(page, page.get_by_role("link", name="Previous answer"), key="Shift+Tab")
    expect(siblings).to_contain_text("1/2")
    expect(page.get_by_role("link", name="Next answer")).to_be_focused()
    press(page, page.get_by_role("link", name="Next answer"))
    expect(siblings).to_contain_text("2/2")
    expect(page.get_by_role("link", name="Previous answer")).to_be_focused()
    other = page.get_by_role("button", name="Try another model")
    press(page, other)
    expect(page.get_by_role("combobox", name="Search models or enter a model ID")).to_be_focused()
    page.keyboard.press("Escape")
    expect(other).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("option", name="echo").first).to_be_visible()
    expect(page.locator(".htmx-request, .htmx-settling")).to_have_count(0)
    page.keyboard.type("echo")
    page.keyboard.press("Enter")
    expect(siblings).to_contain_text("3/3")
    expect(message(page)).to_be_focused()


def test_it_copies_and_edits_and_lists_its_keys(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    newcomer()
    open_chat(page)
    ask(page, "Say one")
    copy = answers(page).locator("[data-copy-source]")
    press(page, copy, key="Shift+Tab")
    expect(page.locator("#announcer")).to_have_text("Copied")
    expect(copy).to_be_focused()
    page.keyboard.press("?")
    expect_focus_within(page.get_by_role("dialog", name="Keyboard shortcuts"))
    page.keyboard.press("Escape")
    expect(copy).to_be_focused()
    press(page, page.get_by_role("button", name="Edit"), key="Shift+Tab")
    page.keyboard.type(" and two")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".question .siblings")).to_contain_text("2/2")
    expect_status(page, "succeeded")
    expect(message(page)).to_be_focused()
    page.keyboard.press("Control+Shift+C")
    press(page, page.get_by_role("link", name="Previous wording"), key="Shift+Tab")
    expect(page.get_by_role("link", name="Next wording")).to_be_focused()


def test_it_sets_a_parameter_and_resets_it(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_chat(page)
    press(page, page.locator("#model-button"))
    refresh = page.get_by_role("button", name="Refresh")
    with page.expect_response("**/chat/models/"):
        press(page, refresh, key="Shift+Tab")
    expect(refresh).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#model-button")).to_be_focused()
    press(page, page.get_by_role("button", name="Parameters").last)
    reset = page.locator("#parameters .reset").first
    number = page.locator("#parameters input[type=number]").first
    go_to(page, number)
    page.keyboard.type("1")
    press(page, reset, key="Shift+Tab")
    expect(number).to_be_focused()
    expect(number).to_have_value("")


def chosen(page: Page, title: str, action: str) -> Locator:
    """What stands under this name in the open menu of the conversation."""
    opener = page.get_by_role("button", name=f"Actions for {title}")
    press(page, opener)
    return page.locator(".conversation .menu:popover-open").get_by_text(action, exact=True)


def test_it_keeps_the_list_of_conversations(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_chat(page)
    ask(page, "Pears")
    press(page, page.locator("#chat-list").get_by_role("link", name="New chat"))
    page.wait_for_url("**/chat/")
    ask(page, "Apples")
    press(page, chosen(page, "Pears", "Pin"))
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    expect(page.get_by_role("button", name="Actions for Pears")).to_be_focused()

    press(page, chosen(page, "Apples", "Rename"))
    expect_focus_within(page.get_by_role("dialog", name="Rename conversation"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Actions for Apples")).to_be_focused()
    press(page, chosen(page, "Apples", "Rename"))
    fill(page, "Title", "Plums")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Plums")

    press(page, chosen(page, "Plums", "Archive"))
    expect(page.get_by_role("link", name="Plums")).to_have_count(0)
    expect(page.locator("#conversation-list")).to_be_focused()
    press(page, page.get_by_role("button", name="Filter"), key="Shift+Tab")
    go_to(page, page.get_by_label("Archived"))
    page.keyboard.press("Space")
    expect(page.get_by_role("link", name="Plums")).to_be_visible()
    expect(page.get_by_label("Archived")).to_be_focused()
    page.keyboard.press("Escape")
    press(page, chosen(page, "Plums", "Delete"))
    page.wait_for_url("**/chat/")
    expect_toast(page, "“Plums” deleted")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.get_by_label("Search titles and messages")).to_be_focused()
    page.keyboard.type("plums")
    expect(page.locator("#conversation-list")).to_contain_text("No conversations match")
    expect(page.get_by_label("Search titles and messages")).to_be_focused()


def test_it_shares_a_conversation_and_takes_it_back(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_chat(page)
    ask(page, "For all")
    press(page, chosen(page, "For all", "Share"))
    choose(page, "Shared with", "Everyone")
    press(page, page.get_by_role("dialog").get_by_role("button", name="Save"))
    expect_toast(page, "is shared with")
    shared = page.get_by_role("link", name="Shared with everyone", exact=True)
    open_dialog(page, shared, "Share “For all”")
    choose(page, "Shared with", "Nobody")
    press(page, page.get_by_role("dialog").get_by_role("button", name="Save"))
    expect(shared).to_have_count(0)


def test_it_reads_along_and_goes_on_in_a_copy(
    keyboard: Page, newcomer: Newcomer, chromium: Browser, sign_in: Callable[[Page, str], None]
) -> None:
    page, owner = keyboard, chromium.new_page()
    writer = newcomer()
    sign_in(owner, writer)
    owner.goto(page.url)
    open_chat(owner)
    ask(owner, "To be read")
    owner.wait_for_url("**/chat/*-*/")
    press(owner, chosen(owner, "To be read", "Share"))
    choose(owner, "Shared with", "Everyone")
    press(owner, owner.get_by_role("dialog").get_by_role("button", name="Save"))
    expect_toast(owner, "is shared with")

    newcomer()
    page.goto(owner.url)
    copy = page.locator(".question").first.get_by_role("button", name="Copy")
    go_to(page, copy)
    ask(owner, "And this")
    expect(page.locator(".question")).to_have_count(2)
    expect_status(page, "succeeded")
    expect(copy).to_be_focused()
    press(page, page.get_by_role("button", name="Duplicate to continue"))
    expect_toast(page, "This copy is private to you")
    owner.close()


def test_it_jumps_to_the_latest(keyboard: Page, newcomer: Newcomer) -> None:
    page = keyboard
    newcomer()
    open_chat(page)
    go_to(page, message(page))
    page.keyboard.insert_text("A line." + "\n" * 80 + "Another.")
    page.keyboard.press("Control+Enter")
    expect_status(page, "succeeded")
    # The stop before it: any other one in between would scroll back to the end, where there is nothing to jump to.
    go_to(page, answers(page).locator(".always"), key="Shift+Tab")
    page.keyboard.press("Control+Home")
    press(page, page.get_by_role("button", name="Jump to latest"))
    expect(message(page)).to_be_focused()


def test_it_works_zoomed_in(keyboard: Page, newcomer: Newcomer) -> None:
    """Where the sides of the page are menus."""
    page = keyboard
    page.set_viewport_size({"width": 480, "height": 640})
    newcomer()
    menu = page.get_by_role("button", name="Menu")
    press(page, menu)
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    open_chat(page)
    ask(page, "Near")
    conversations = page.get_by_role("button", name="Conversations", exact=True)
    press(page, conversations)
    press(page, chosen(page, "Near", "Rename"))
    expect_focus_within(page.get_by_role("dialog", name="Rename conversation"))
    page.keyboard.press("Escape")
    expect(conversations).to_be_focused()
    parameters = page.locator("#parameters-button")
    press(page, parameters)
    press(page, page.locator("#chat-parameters").get_by_role("button", name="Close"))
    expect(parameters).to_be_focused()
