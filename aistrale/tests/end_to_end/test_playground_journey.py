"""The playground in a browser, as one story: two panels, variables, an image, a tool answered by hand, differences."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.usability import check_usable

TOOL = """[{"type": "function", "function": {"name": "page_on_call", "description": "Pages",
 "parameters": {"type": "object", "properties": {"team": {"type": "string"}}}}}]"""
SCHEMA = '{"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]}'


def panel(page: Page, number: int) -> Locator:
    return page.locator("[data-panel]").nth(number - 1)


def set_json(page: Page, of: Locator, chip: str, field: str, value: str) -> None:
    of.get_by_role("button", name=chip).click()
    of.get_by_role("textbox", name=field).fill(value)
    page.keyboard.press("Escape")


def test_two_panels_a_tool_and_an_image(signed_in: Page, site: Site, tmp_path: Path) -> None:
    page = signed_in
    page.goto(f"{site.url}/playground/")
    page.get_by_role("button", name="New playground").first.click()
    page.wait_for_url("**/playground/*-*/")
    _choose_the_sandbox(page)
    _write(page)
    _attach(page, tmp_path)
    _run_and_compare(page)
    _answer_a_tool(page)
    _save_as_prompt(page)


def _choose_the_sandbox(page: Page) -> None:
    """A provider key that another test has left on the site would come first."""
    panel(page, 1).get_by_title("Change model").click()
    page.locator('#model-options [data-provider="echo"][data-model="echo"]').first.click()
    expect(page.locator("#saved")).to_have_text("Saved")


def _write(page: Page) -> None:
    page.get_by_label("Content of message 1 in panel 1").fill("Reply in {{language}}.")
    page.get_by_label("Content of message 2 in panel 1").fill("Explain {{topic}}.")
    page.get_by_label("topic").fill("tides")
    # What was typed just now is saved before the panel is copied.
    page.get_by_label("language").fill("German")
    page.get_by_role("button", name="Add panel").click()
    expect(page.locator("[data-panel]")).to_have_count(2)
    expect(page.get_by_label("Content of message 2 in panel 2")).to_have_value("Explain {{topic}}.")
    page.get_by_label("Content of message 2 in panel 2").fill("Explain {{topic}} briefly.")
    check_usable(page)


def _attach(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    Image.new("RGB", (20, 10), "red").save(path)
    page.locator("#file-input").set_input_files(path)
    expect(page.locator("#playground-files")).to_contain_text("map.png")


def _run_and_compare(page: Page) -> None:
    page.keyboard.press("Control+Enter")
    for number in (1, 2):
        expect(panel(page, number).get_by_text("Done", exact=True)).to_be_visible()
        expect(panel(page, number).locator(".answer-text")).to_contain_text("map.png")
        expect(panel(page, number).locator(".metrics")).to_contain_text("$0")
    page.reload()
    expect(panel(page, 2).locator(".answer-text")).to_contain_text("Explain tides briefly.")
    page.get_by_role("link", name="Diff").click()
    expect(panel(page, 2).locator("ins", has_text="briefly")).to_be_visible()
    check_usable(page)
    page.get_by_role("link", name="Answers").click()


def _answer_a_tool(page: Page) -> None:
    set_json(page, panel(page, 1), "Tools", "Tools", TOOL)
    set_json(page, panel(page, 2), "Schema", "Response schema", SCHEMA)
    page.get_by_role("button", name="Run all").click()
    expect(panel(page, 1).get_by_text("Waiting for tool results")).to_be_visible()
    expect(panel(page, 2).get_by_text("Matches the schema")).to_be_visible()
    panel(page, 1).get_by_label("Result of page_on_call").fill('{"paged": "Jonas"}')
    panel(page, 1).get_by_role("button", name="Send results").click()
    expect(panel(page, 1).get_by_text("Done", exact=True)).to_be_visible()
    expect(panel(page, 1).get_by_text("Tool result")).to_be_visible()
    check_usable(page)


def _save_as_prompt(page: Page) -> None:
    panel(page, 1).get_by_role("button", name="More for panel 1").click()
    page.get_by_role("link", name="View code").click()
    expect(page.get_by_role("dialog")).to_contain_text("there is no code for it")
    page.get_by_role("dialog").get_by_label("Close").click()
    panel(page, 1).get_by_role("button", name="More for panel 1").click()
    page.get_by_role("link", name="Save as prompt").click()
    expect(page.get_by_label("Content of message 2")).to_have_value("Explain {{topic}}.")
