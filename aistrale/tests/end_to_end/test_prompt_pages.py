"""Writing prompts in a browser: what scripts add to the editor, and that it does without them."""

from __future__ import annotations

from itertools import count

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from aistrale.tests.end_to_end.browser import ADMIN, Site, log_in_by_http
from aistrale.tests.end_to_end.usability import check_usable

NUMBERS = count(1)


@pytest.fixture
def new_prompt(signed_in: Page, site: Site) -> Page:
    """The editor of one that is not saved yet."""
    signed_in.goto(f"{site.url}/prompts/add/")
    signed_in.get_by_label("Name", exact=True).fill(f"browser/prompt-{next(NUMBERS)}")
    return signed_in


def write(page: Page, text: str) -> None:
    page.get_by_label("Content of message 1").fill(text)


def test_it_finds_variables_and_previews_while_one_types(new_prompt: Page) -> None:
    page = new_prompt
    write(page, "Sort {{ticket}} for {{plan}}")
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_label("Sample of ticket").fill("T-1")
    preview = page.get_by_role("region", name="Filled-in messages")
    expect(preview).to_contain_text("Sort T-1 for {{plan}}")
    expect(page.get_by_label("Sample of ticket")).to_be_focused()
    expect(page.locator(".editor .var")).to_have_text(["{{ticket}}", "{{plan}}"])
    check_usable(page)


def test_it_adds_moves_and_removes_messages_in_place(new_prompt: Page) -> None:
    page = new_prompt
    write(page, "First")
    page.get_by_label("Content of message 2").fill("Second {{name}}")
    page.get_by_role("button", name="Placeholder").click()
    page.get_by_label("Name of placeholder 3").fill("history")
    page.get_by_label("Move message 2 up").click()
    expect(page.get_by_label("Content of message 1")).to_have_value("Second {{name}}")
    page.get_by_label("Remove message 2").click()
    expect(page.get_by_label("Content of message 2")).to_have_count(0)
    expect(page.get_by_label("Name of placeholder 2")).to_have_value("history")
    page.get_by_role("button", name="Save as v1").click()
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(2)


def test_it_inserts_an_include_at_the_cursor(new_prompt: Page, site: Site) -> None:
    page = new_prompt
    page.goto(f"{site.url}/prompts/add/?type=text")
    page.get_by_label("Name", exact=True).fill(name := f"browser/tone-{next(NUMBERS)}")
    page.get_by_label("Text of the prompt").fill("Be brief")
    page.get_by_role("button", name="Save as v1").click()
    page.get_by_role("heading", name="Version 1").wait_for()
    page.goto(f"{site.url}/prompts/add/")
    page.get_by_label("Content of message 1").fill("First. Last.")
    page.get_by_label("Content of message 1").evaluate("text => text.setSelectionRange(7, 7)")
    expect(page.locator("#include-picker")).to_be_hidden()
    page.get_by_role("button", name="Insert include").click()
    page.get_by_label("Prompt to include").select_option(label=f"{name}: latest (v1)")
    page.get_by_role("button", name="Insert at cursor").click()
    source = f"@@@langfusePrompt:name={name}|label=latest@@@"
    expect(page.get_by_label("Content of message 1")).to_have_value(f"First. {source}Last.")
    expect(page.locator("#preview")).to_contain_text("First. Be briefLast.")


def test_it_turns_chat_into_text_and_keeps_the_words(new_prompt: Page) -> None:
    page = new_prompt
    write(page, "Be brief")
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.get_by_label("Text of the prompt")).to_have_value("Be brief\n\n")


def test_it_asks_before_it_loses_unsaved_text(new_prompt: Page) -> None:
    page, asked = new_prompt, list[str]()

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_label("Content of message 1").press_sequentially("Not saved")
    page.get_by_role("link", name="Discard").click()
    expect(page.get_by_label("Content of message 1")).to_have_value("Not saved")
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Save as v1").click()
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    assert asked == ["beforeunload"]


def test_who_saves_second_sees_both_texts(new_prompt: Page) -> None:
    page = new_prompt
    write(page, "Be kind")
    page.get_by_role("button", name="Save as v1").click()
    page.get_by_role("link", name="Edit").click()
    other = page.context.new_page()
    other.goto(page.url)
    for tab, text in ((page, "Be very kind"), (other, "Be quick")):
        write(tab, text)
        tab.get_by_label("Commit message").fill(text)
        tab.get_by_role("button", name="Save as v2").click()
    expect(other.get_by_role("alert")).to_contain_text("Version 2 was saved while you were editing")
    expect(other.locator("#editor ins")).to_have_text("quick")
    check_usable(other)
    other.get_by_role("button", name="Save as v3").click()
    expect(other.get_by_role("heading", name="Version 3")).to_be_visible()


def test_a_label_moves_and_is_rolled_back(new_prompt: Page) -> None:
    page = new_prompt
    for number in (1, 2):
        write(page, f"Text {number}")
        page.get_by_label("Commit message").fill(f"Version {number}")
        page.get_by_role("button", name=f"Save as v{number}").click()
        page.get_by_role("link", name=f"Label version {number}").click()
        page.get_by_label("Reason").fill(f"To {number}")
        page.get_by_role("button", name=f"Move to v{number}").click()
        page.get_by_role("link", name="Prompt", exact=True).click()
        page.get_by_role("link", name="Edit").click()
    page.get_by_role("link", name="Discard").click()
    page.get_by_role("link", name="Label history").click()
    page.get_by_role("link", name="Roll production back to v1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Worse")
    check_usable(page)
    dialog.get_by_role("button", name="Move production").click()
    expect(page.get_by_text("Worse")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="moved from v2")).to_have_count(1)


def test_it_does_without_scripts(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(java_script_enabled=False)
    cookies = log_in_by_http(site.url, ADMIN)
    context.add_cookies([{"name": name, "value": cookies[name], "url": site.url} for name in cookies])
    page = context.new_page()
    page.goto(f"{site.url}/prompts/add/")
    page.get_by_label("Name", exact=True).fill(f"browser/prompt-{next(NUMBERS)}")
    page.get_by_label("Content of message 1").fill("Sort {{ticket}}")
    expect(page.get_by_role("button", name="Insert include")).to_be_hidden()
    page.get_by_role("button", name="Message", exact=True).click()
    page.get_by_label("Content of message 3").fill("And {{plan}}")
    page.get_by_label("Remove message 2").click()
    expect(page.get_by_label("Content of message 2")).to_have_value("And {{plan}}")
    page.get_by_label("Sample of ticket").fill("T-1")
    page.get_by_role("button", name="Save as v1").click()
    expect(page.get_by_role("row")).to_have_count(3)
    context.close()
