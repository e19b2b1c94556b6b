"""Images and files in the chat, in a browser: chosen, pasted, dropped, sent, seen, and kept when something is wrong."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.chat_page import answers, ask, expect_status
from aistrale.tests.end_to_end.usability import check_usable
from inference.tests import files

CAT: FilePayload = {"name": "cat.png", "mimeType": "image/png", "buffer": files.image("PNG", (300, 200))}
# What a browser does with files that come from elsewhere.
_BRING = """(target, [kind, content]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  data.items.add(new File([bytes], "image.png", { type: "image/png" }));
  const event = kind === "paste" ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  target.dispatchEvent(event);
}"""


@pytest.fixture
def chat(signed_in: Page, site: Site) -> Page:
    """A new conversation with the sandbox."""
    signed_in.goto(f"{site.url}/chat/?provider=echo&model=echo")
    signed_in.wait_for_load_state()
    return signed_in


def chips(page: Page) -> Any:
    return page.locator("#composer-files .file-chip:has(input)")


def bring(page: Page, kind: str, place: str = "#id_text") -> None:
    page.locator(place).evaluate(_BRING, [kind, b64encode(files.image()).decode()])


def test_an_image_is_attached_sent_seen_and_edited(chat: Page) -> None:
    with chat.expect_file_chooser() as chooser:
        chat.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(CAT)
    expect(chips(chat)).to_contain_text("cat.png")
    check_usable(chat)
    ask(chat, "What is it?")
    expect_status(chat, "succeeded")
    expect(answers(chat)).to_contain_text("cat.png, image/png")
    expect(chips(chat)).to_have_count(0)
    chat.locator(".question").get_by_role("link", name="cat.png").press("Enter")
    expect(chat.get_by_role("dialog").get_by_role("img", name="cat.png")).to_be_visible()
    check_usable(chat)
    chat.keyboard.press("Escape")
    chat.get_by_role("button", name="Edit").click()
    edited = chat.locator("form.edit")
    expect(edited.locator(".file-chip")).to_contain_text("cat.png")
    edited.get_by_label("Question").fill("And now?")
    edited.get_by_role("button", name="Send as new branch").click()
    expect(chat.locator(".question-text")).to_have_text("And now?")
    expect(chat.locator(".question").get_by_role("link", name="cat.png")).to_be_visible()


def test_files_are_added_and_removed_while_a_message_is_edited(chat: Page) -> None:
    chat.set_input_files("#file-input", CAT)
    expect(chips(chat)).to_contain_text("cat.png")
    ask(chat, "What is it?")
    expect_status(chat, "succeeded")
    edited = start_editing(chat)
    edited.get_by_role("button", name="Remove cat.png").click()
    with chat.expect_file_chooser() as chooser:
        edited.get_by_role("button", name="Attach files to this message").click()
    chooser.value.set_files({"name": "notes.md", "mimeType": "text/markdown", "buffer": b"Whiskers"})
    expect(edited.locator(".file-chip")).to_contain_text("notes.md")
    bring(chat, "paste", "form.edit textarea")
    bring(chat, "drop", "form.edit textarea")
    expect(edited.locator(".file-chip")).to_have_count(2)
    check_usable(chat)
    chat.keyboard.press("Control+Enter")
    attached = chat.locator(".question .files")
    expect(attached).to_contain_text("notes.md")
    expect(attached.get_by_role("link", name="image.png")).to_be_visible()
    expect(attached.get_by_role("link", name="cat.png")).to_have_count(0)
    expect(chips(chat)).to_have_count(0)
    chat.get_by_role("link", name="Previous wording").click()
    expect(attached.get_by_role("link", name="cat.png")).to_be_visible()


def test_a_message_of_files_alone_is_edited(chat: Page) -> None:
    chat.set_input_files("#file-input", CAT)
    expect(chips(chat)).to_contain_text("cat.png")
    ask(chat, "")
    expect_status(chat, "succeeded")
    edited = start_editing(chat)
    edited.get_by_role("button", name="Remove cat.png").click()
    edited.get_by_role("button", name="Send as new branch").click()
    expect(chat.locator("#toasts")).to_contain_text("Write a message first.")
    edited.get_by_role("button", name="Cancel").click()
    expect(chat.locator(".question").get_by_role("link", name="cat.png")).to_be_visible()


def start_editing(page: Page) -> Locator:
    page.get_by_role("button", name="Edit").click()
    edited = page.locator("form.edit")
    expect(edited.locator(".file-chip")).to_contain_text("cat.png")
    return edited


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_files_are_pasted_and_dropped_and_survive_a_reload(chat: Page, kind: str) -> None:
    bring(chat, kind)
    expect(chips(chat)).to_contain_text("image.png")
    chat.reload()
    expect(chips(chat)).to_contain_text("image.png")
    chat.get_by_role("button", name="Remove image.png").click()
    expect(chips(chat)).to_have_count(0)


def test_what_is_refused_says_why_where_it_was_attached(chat: Page) -> None:
    svg: FilePayload = {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": b"<svg onload='alert(1)'/>"}
    empty: FilePayload = {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""}
    chat.set_input_files("#file-input", [svg, empty, CAT])
    expect(chat.locator("[data-failed]").nth(0)).to_contain_text("SVG drawings are not accepted.")
    expect(chat.locator("[data-failed]").nth(1)).to_contain_text("The file is empty.")
    expect(chips(chat)).to_have_count(1)
    check_usable(chat)


def test_a_model_that_cannot_see_says_so_before_anything_is_sent(chat: Page) -> None:
    chat.set_input_files("#file-input", CAT)
    expect(chips(chat)).to_have_count(1)
    chat.locator("#model-facts").evaluate("facts => Object.assign(facts.dataset, { model: 'blind-1', images: 'no' })")
    notice = "blind-1 cannot read images. Pick a model that can, or start without them."
    expect(chat.locator("#files-notice")).to_have_text(notice)
    ask(chat, "What is it?")
    expect(chat.locator("#toasts")).to_contain_text(notice)
    expect(answers(chat)).to_have_count(0)
    expect(chips(chat)).to_have_count(1)
