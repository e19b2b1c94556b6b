from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from aistrale.tests.end_to_end.browser import Site, add_administrator, log_in
from aistrale.tests.end_to_end.chat_page import (
    add_token,
    answers,
    ask,
    choose_model,
    expect_status,
    expect_words,
    open_parameters,
    use,
)
from aistrale.tests.end_to_end.usability import check_usable
from inference.tests.fake_provider import ANSWER, FakeProvider, answer
from inference.tests.wire import DIALECTS


def test_it_labels_an_answer_with_its_parameters(chat: Page) -> None:
    open_parameters(chat)
    chat.get_by_label("Temperature", exact=True).fill("0.5")
    ask(chat)
    expect(answers(chat).locator(".figures-menu")).to_contain_text("temperature 0.5")
    expect(chat.locator("#chat-parameters")).to_contain_text("1 set")


def test_it_keeps_the_text_of_a_refused_message(chat: Page) -> None:
    open_parameters(chat)
    chat.get_by_label("Temperature", exact=True).fill("9")
    ask(chat, "Precious words")
    expect(chat.get_by_role("alert")).to_contain_text("Temperature must be a number from 0 to 2.")
    expect(chat.locator("[data-error-of=param-temperature]")).to_have_text("Temperature must be a number from 0 to 2.")
    expect(chat.locator("#id_text")).to_have_value("Precious words")
    chat.get_by_role("button", name="Reset Temperature").click()
    ask(chat, "Precious words")
    expect_status(chat, "succeeded")
    expect(chat.get_by_role("alert")).to_have_count(0)


def test_it_keeps_a_draft_over_a_reload(chat: Page) -> None:
    chat.locator("#id_text").fill("Half a thou")
    chat.reload()
    expect(chat.locator("#id_text")).to_have_value("Half a thou")


def test_it_follows_the_text_only_while_the_reader_is_at_its_end(chat: Page) -> None:
    chat.set_viewport_size({"width": 700, "height": 600})
    use(chat, "words-1500-every-5ms")
    ask(chat)
    expect_words(chat, 700)
    assert distance_to_end(chat) < 50
    chat.mouse.move(300, 200)
    chat.mouse.wheel(0, -200)
    expect(chat.get_by_role("button", name="Jump to latest")).to_be_visible()
    top = chat.evaluate("scrollY")
    expect_status(chat, "succeeded")
    assert chat.evaluate("scrollY") == top
    chat.get_by_role("button", name="Jump to latest").click()
    assert distance_to_end(chat) < 50


def distance_to_end(page: Page) -> float:
    return float(page.evaluate("document.scrollingElement.scrollHeight - innerHeight - scrollY"))


def test_it_switches_to_the_source(chat: Page, provider: FakeProvider) -> None:
    provider.script("marked", answer(DIALECTS["v1"], "marked", ["**bold** ", "words"]))
    use(chat, "marked")
    ask(chat)
    expect(answers(chat).locator("strong")).to_have_text("bold")
    answers(chat).get_by_role("button", name="More actions").click()
    chat.get_by_role("button", name="View source").click()
    expect(answers(chat).locator(".raw")).to_have_text("**bold** words")
    expect(answers(chat).locator(".prose:not(.tail)")).to_be_hidden()


def test_it_copies_the_source_and_code(chat: Page, provider: FakeProvider) -> None:
    chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
    provider.script("coder", answer(DIALECTS["v1"], "coder", ["```python\n", "print(1)\n", "```\n"]))
    use(chat, "coder")
    ask(chat)
    expect_status(chat, "succeeded")
    chat.keyboard.press("Control+Shift+C")
    expect(chat.locator("#announcer")).to_have_text("Copied")
    assert chat.evaluate("navigator.clipboard.readText()") == "```python\nprint(1)\n```\n"
    chat.locator(".copy-code").click()
    expect(chat.locator(".copy-code")).to_have_text("Copied")
    assert chat.evaluate("navigator.clipboard.readText()") == "print(1)\n"


def test_it_looks_after_conversations(chat: Page) -> None:
    ask(chat, "Unsorted things")
    expect_status(chat, "succeeded")
    sidebar = chat.locator("#conversation-list")
    chat.get_by_role("button", name="Actions for Unsorted things").click()
    chat.get_by_role("button", name="Pin").click()
    expect(sidebar.get_by_role("heading", name="Pinned")).to_be_visible()
    chat.get_by_role("button", name="Actions for Unsorted things").click()
    chat.get_by_role("link", name="Rename").click()
    chat.get_by_role("dialog").get_by_label("Title").fill("Sorted things")
    chat.keyboard.press("Enter")
    expect(chat.get_by_role("heading", name="Sorted things", level=1)).to_be_visible()
    chat.get_by_label("Search titles and messages").fill("no such thing")
    expect(sidebar).to_contain_text("No conversations match")
    chat.get_by_label("Search titles and messages").fill("sorted")
    chat.get_by_role("button", name="Actions for Sorted things").click()
    chat.get_by_role("button", name="Archive").click()
    expect(sidebar.get_by_role("link", name="Sorted things")).to_have_count(0)
    chat.get_by_role("button", name="Filter").click()
    chat.get_by_label("Archived").check()
    chat.keyboard.press("Escape")
    chat.get_by_role("button", name="Actions for Sorted things").click()
    chat.get_by_role("button", name="Delete").click()
    expect(chat).to_have_url(re.compile("/chat/$"))
    chat.get_by_role("button", name="Undo").click()
    expect(chat.get_by_text("“Sorted things” restored")).to_be_visible()


def test_it_needs_no_mouse(chat: Page) -> None:
    tab_to(chat, "#model-button")
    chat.keyboard.press("Enter")
    expect(chat.get_by_role("combobox")).to_be_focused()
    expect(chat.get_by_role("option", name="fake-small").first).to_be_visible()
    chat.keyboard.type("small")
    chat.keyboard.press("Enter")
    expect(chat.locator("#id_text")).to_be_focused()
    expect(chat.locator("#model-button")).to_contain_text("Work fake-small")
    chat.keyboard.type("By hand")
    chat.keyboard.press("Enter")
    expect(answers(chat)).to_contain_text(ANSWER)
    expect(answers(chat).locator("h2")).to_have_text("Work fake-small")
    tab_to(chat, ".answer .always")
    chat.keyboard.press("Enter")
    tab_to(chat, "[data-raw]")
    chat.keyboard.press("Enter")
    expect(answers(chat).locator(".raw")).to_be_visible()
    chat.keyboard.press("?")
    expect(chat.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    chat.keyboard.press("Escape")
    chat.keyboard.press("/")
    expect(chat.get_by_label("Search titles and messages")).to_be_focused()


def tab_to(page: Page, selector: str) -> None:
    target = page.locator(selector)
    for _ in range(150):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_it_takes_a_model_that_is_not_listed(chat: Page) -> None:
    chat.locator("#model-button").click()
    expect(chat.get_by_role("option", name="fake-small").first).to_be_visible()
    chat.keyboard.type("words-3")
    chat.get_by_role("option", name="Use “words-3” on Work").click()
    ask(chat)
    expect(answers(chat).locator("h2")).to_have_text("Work words-3")


def test_it_leaves_single_keys_alone_while_typing(chat: Page) -> None:
    chat.locator("#id_text").focus()
    chat.keyboard.type("why? and/or")
    expect(chat.locator("#id_text")).to_have_value("why? and/or")


def test_it_switches_single_keys_off(chat: Page) -> None:
    chat.evaluate("document.activeElement.blur()")
    chat.keyboard.press("?")
    dialog = chat.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.get_by_role("checkbox").uncheck()
    dialog.get_by_role("button", name="Close").click()
    chat.reload()
    chat.evaluate("document.activeElement.blur()")
    chat.keyboard.press("?")
    expect(dialog).to_have_count(0)
    expect(chat.locator("#id_text")).to_have_value("?")
    chat.get_by_role("button", name="More", exact=True).click()
    chat.get_by_role("button", name="Keyboard shortcuts").click()
    expect(dialog.get_by_role("checkbox")).not_to_be_checked()


def test_it_warns_before_sending_what_will_not_fit(chat: Page) -> None:
    chat.goto(f"{chat.url.partition('?')[0]}?provider=gemini&model=gemini-pro")
    chat.locator("#id_text").fill("x" * 4 * 32_000)
    expect(chat.locator("#context-words")).to_have_text("≈ 32,000 of 32,768 tokens")
    expect(chat.locator("#context-warning")).to_be_empty()
    open_parameters(chat)
    chat.locator("#id_system").fill("x" * 4 * 1_000)
    expect(chat.locator("#context-warning")).to_contain_text("Too long: about 33,000 tokens")


def test_it_is_accessible(chat: Page, provider: FakeProvider) -> None:
    text = "# Title\n\nText with `code` and [a link](http://x.example)\n\n```python\ndef f(): return 'x'  # why\n```\n"
    provider.script("rich", answer(DIALECTS["v1"], "rich", [text]))
    use(chat, "rich")
    check_usable(chat)
    ask(chat)
    expect_status(chat, "succeeded")
    choose_model(chat, "status-400")
    ask(chat, "And now?")
    expect_status(chat, "failed")
    check_usable(chat)
    chat.locator("#model-button").click()
    expect(chat.get_by_role("option", name="fake-small").first).to_be_visible()
    check_usable(chat)


def test_it_begins_with_a_model_of_the_only_token(chromium: Browser, site: Site, provider: FakeProvider) -> None:
    add_administrator(site, "novice@example.org")
    add_token(site, "novice@example.org", provider)
    page = chromium.new_page()
    log_in(page, site, "novice@example.org")
    page.goto(f"{site.url}/chat/")
    expect(page.locator("#model-button")).to_contain_text("Work fake-large")
    ask(page)
    expect_status(page, "succeeded")
    page.context.close()


def test_it_says_in_the_picker_why_a_provider_lists_nothing(page: Page, site: Site) -> None:
    add_administrator(site, "offline@example.org")
    token = ("--owner", "offline@example.org", "--provider", "openai", "--label", "Away", "--no-check")
    site.manage("add_token", *token, "--base-url", "http://127.0.0.1:9/v1", stdin="sk-good-1234\n")
    log_in(page, site, "offline@example.org")
    page.goto(f"{site.url}/chat/")
    page.locator("#model-button").click()
    expect(page.get_by_role("group", name="Away")).to_contain_text("could not be reached")
    expect(page.get_by_role("button", name="Retry Away")).to_be_visible()


def test_it_shows_code_in_a_question_as_code_and_gives_its_source_to_the_editor(chat: Page) -> None:
    source = "Why?\n```python\nif a != b:\n    pass\n```"
    ask(chat, source)
    expect(chat.locator(".question figure.code code")).to_contain_text("if a != b:")
    expect(chat.locator(".question-text")).not_to_contain_text("```")
    expect_status(chat, "succeeded")
    chat.get_by_role("button", name="Edit").click()
    expect(chat.get_by_role("form", name="Edit the question").get_by_label("Question")).to_have_value(source)


def test_it_draws_no_other_characters_than_were_written(chat: Page) -> None:
    for selector in ("#id_text", "#messages", "#conversation-title"):
        expect(chat.locator(selector)).to_have_css("font-variant-ligatures", "none")


def test_it_keeps_the_title_in_sight(chat: Page, provider: FakeProvider) -> None:
    provider.script("long", answer(DIALECTS["v1"], "long", ["line\n\n"] * 80))
    use(chat, "long")
    ask(chat, "A title of mine")
    expect_status(chat, "succeeded")
    assert chat.evaluate("scrollY") > 500
    expect(chat.locator("#conversation-title")).to_be_in_viewport()


def test_it_leaves_most_of_a_narrow_screen_to_the_messages(chat: Page) -> None:
    chat.set_viewport_size({"width": 320, "height": 640})
    box = chat.locator("#composer").bounding_box()
    assert box is not None and box["height"] < 130
    expect(chat.get_by_role("button", name="Send")).to_be_in_viewport()


def test_it_counts_in_words_that_fit(chat: Page) -> None:
    chat.locator("#id_text").fill("Hi")
    expect(chat.locator("#context-words")).to_have_text("≈ 1 token")
    open_parameters(chat)
    chat.locator("#id_system").fill("Hi")
    expect(chat.locator("#system-count")).to_have_text("≈ 1")
    expect(chat.locator("#context-words")).to_have_text("≈ 1 token")
    chat.locator("#id_text").fill("Hi there")
    expect(chat.locator("#context-words")).to_have_text("≈ 3 tokens")


def test_it_takes_what_is_typed_anywhere_and_sends_with_enter(chat: Page) -> None:
    expect(chat.locator("#id_text")).to_be_focused()
    chat.evaluate("document.activeElement.blur()")
    chat.keyboard.type("Why?")
    chat.keyboard.press("Shift+Enter")
    chat.keyboard.type("So")
    chat.keyboard.press("Enter")
    expect(chat.locator(".question-source")).to_have_text("Why?\nSo")
    expect_status(chat, "succeeded")


def test_it_queues_what_is_sent_while_an_answer_comes(chat: Page) -> None:
    use(chat, "words-60-every-20ms")
    ask(chat, "First")
    expect_words(chat, 5)
    chat.keyboard.type("Second")
    chat.keyboard.press("Enter")
    expect(chat.locator("#queued")).to_contain_text("Second")
    expect(chat.locator("#id_text")).to_have_value("")
    chat.get_by_role("button", name="Edit queued message").click()
    expect(chat.locator("#id_text")).to_have_value("Second")
    chat.keyboard.press("Enter")
    expect(answers(chat)).to_have_count(2)
    expect(chat.locator(".question-text").last).to_have_text("Second")
    expect(chat.locator("#queued")).to_be_hidden()


def test_the_composer_is_low(chat: Page) -> None:
    ask(chat)
    expect_status(chat, "succeeded")
    box = chat.locator("#composer").bounding_box()
    assert box is not None and box["height"] - 20 <= 0.12 * 900


def test_it_copies_a_table_and_formulas_as_they_were_written(chat: Page, provider: FakeProvider) -> None:
    chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
    table = "| a | b |\n|:--|--:|\n| $x^2$ | 1,5 |\n"
    provider.script("tabular", answer(DIALECTS["v1"], "tabular", [table]))
    use(chat, "tabular")
    ask(chat)
    expect_status(chat, "succeeded")
    for name, copied in (
        ("Markdown", "| a | b |\n| --- | --: |\n| $x^2$ | 1,5 |\n"),
        ("CSV", 'a,b\r\n$x^2$,"1,5"\r\n'),
    ):
        chat.get_by_role("button", name=f"Copy as {name}").click()
        expect(chat.locator(f".copy-{name.lower()}")).to_have_text("Copied")
        assert chat.evaluate("navigator.clipboard.readText()") == copied
