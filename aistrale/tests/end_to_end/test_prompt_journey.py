"""The life of a prompt in a browser, as one story: written, deployed, taken back, rolled out, and used in the chat."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.chat_page import expect_status
from aistrale.tests.end_to_end.usability import check_usable

NAME = "journey/triage"
TEXTS = ("Sort {{ticket}}", "Sort {{ticket}} quickly", "Sort {{ticket}} quickly and well")


def save(page: Page, number: int) -> None:
    page.get_by_label("Content of message 2").fill(TEXTS[number - 1])
    page.get_by_label("Commit message").fill(f"Wording {number}")
    page.get_by_role("button", name=f"Save as v{number}").click()
    expect(page.get_by_role("heading", name=f"Version {number}")).to_be_visible()


def open_tab(page: Page, name: str) -> None:
    page.get_by_label(NAME, exact=True).get_by_role("link", name=name, exact=True).click()


def test_a_prompt_from_its_first_version_to_the_chat(signed_in: Page, site: Site) -> None:
    page = signed_in
    _write_three_versions(page, site)
    _label_and_compare(page)
    _roll_back(page)
    _roll_out(page)
    _use_in_the_chat(page, site)


def _write_three_versions(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/prompts/")
    page.get_by_role("link", name="New prompt").first.click()
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Content of message 1").fill("Be brief.")
    save(page, 1)
    for number in (2, 3):
        page.get_by_role("link", name="Edit", exact=True).click()
        save(page, number)
    expect(page.get_by_label("Versions", exact=True).get_by_role("listitem")).to_have_count(3)
    check_usable(page)


def _label_and_compare(page: Page) -> None:
    for number in (1, 3):
        page.get_by_label("Versions", exact=True).get_by_role("link", name=f"Wording {number}").click()
        page.get_by_role("link", name=f"Label version {number}").click()
        page.get_by_label("Reason").fill(f"Ship {number}")
        if number == 3:
            _look_at_the_difference(page)
        page.get_by_role("button", name=f"Move to v{number}").click()
        expect(page.get_by_text(f"Ship {number}")).to_be_visible()
        open_tab(page, "Prompt")


def _look_at_the_difference(page: Page) -> None:
    page.get_by_label("Old version").select_option("1")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".diff ins")).to_have_text(" quickly and well")
    page.get_by_role("link", name="Unified").click()
    expect(page.locator('.diff[data-view="unified"] ins')).to_have_text(" quickly and well")
    check_usable(page)
    page.get_by_label("Reason").fill("Ship 3")


def _roll_back(page: Page) -> None:
    open_tab(page, "Label history")
    page.get_by_role("link", name="Roll production back to v1").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Too wordy")
    page.get_by_role("dialog").get_by_role("button", name="Move production", exact=True).click()
    expect(page.get_by_text("Too wordy")).to_be_visible()
    expect(page.get_by_role("link", name="production v1").first).to_be_visible()
    check_usable(page)


def _roll_out(page: Page) -> None:
    open_tab(page, "Prompt")
    page.get_by_label("Labels", exact=True).get_by_role("link", name="Move production", exact=True).click()
    page.get_by_role("link", name="Roll out gradually").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Share of users (%)").fill("99")
    dialog.get_by_role("button", name="Start rollout").click()
    rollout = page.get_by_label("Labels", exact=True)
    expect(rollout.get_by_role("img", name="1% v1, 99% v3")).to_be_visible()
    check_usable(page)


def _use_in_the_chat(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/chat/?provider=echo&model=echo")
    page.wait_for_load_state()
    message = page.get_by_label("Message", exact=True)
    message.press("/")
    page.get_by_role("combobox", name="Search prompts").fill(NAME)
    page.get_by_role("option", name=NAME).click()
    page.get_by_label("ticket", exact=True).fill("T-1")
    page.keyboard.press("Enter")
    chip = page.get_by_role("link", name=NAME)
    expect(chip).to_be_visible()
    message.press("Control+Enter")
    expect_status(page, "succeeded")
    page.get_by_title("Show figures").last.click()
    page.get_by_role("link", name="View call details").click()
    page.get_by_role("link", name=NAME).click()
    expect(page.get_by_label("Where used")).to_contain_text("used v3")
    check_usable(page)
