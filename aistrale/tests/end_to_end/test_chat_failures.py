"""What a page does with a question that was not answered."""

from __future__ import annotations

import re
from dataclasses import replace

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.chat_page import answers, ask, expect_status, use
from inference.tests.fake_provider import FakeProvider, answer, failure
from inference.tests.wire import DIALECTS

DIALECT = DIALECTS["v1"]


def fail_once(provider: FakeProvider, model: str, status: int = 400) -> None:
    provider.script(model, failure(DIALECT, status), answer(DIALECT, model, ["fine ", "now"]))


def test_it_gives_the_question_back_to_be_worded_anew(chat: Page, provider: FakeProvider) -> None:
    fail_once(provider, "picky")
    use(chat, "picky")
    ask(chat, "Precious words")
    expect_status(chat, "failed")
    expect(chat.locator("#id_text")).to_have_value("Precious words")
    expect(chat.locator("#returned")).to_contain_text("Your message is back")
    ask(chat, "Better words")
    expect_status(chat, "succeeded")
    expect(chat.locator("#id_text")).to_have_value("")
    expect(chat.locator(".question .siblings")).to_contain_text("2/2")
    assert [message["content"] for message in provider.last("picky").body["messages"]] == ["Better words"]


def test_it_gives_the_question_back_after_a_reload_too(chat: Page, provider: FakeProvider) -> None:
    fail_once(provider, "forgetful")
    use(chat, "forgetful")
    ask(chat, "Precious words")
    expect_status(chat, "failed")
    chat.reload()
    expect(chat.locator("#returned")).to_contain_text("Your message is back")
    chat.locator("#id_text").focus()
    chat.keyboard.press("Control+Enter")
    expect(chat.locator(".question .siblings")).to_contain_text("2/2")


def test_it_leaves_what_is_being_written_alone(chat: Page, provider: FakeProvider) -> None:
    refusal = failure(DIALECT, 400)
    provider.script("slow", replace(refusal, steps=(2.0, *refusal.steps)))
    use(chat, "slow")
    chat.locator("#id_text").fill("First")
    chat.keyboard.press("Control+Enter")
    expect(answers(chat)).to_have_count(1)
    chat.locator("#id_text").fill("Second")
    expect_status(chat, "failed")
    expect(chat.locator("#id_text")).to_have_value("Second")


def test_it_goes_on_below_what_failed_once_the_input_was_emptied(chat: Page, provider: FakeProvider) -> None:
    fail_once(provider, "wavering")
    use(chat, "wavering")
    ask(chat, "Precious words")
    expect(chat.locator("#returned")).to_contain_text("Your message is back")
    chat.locator("#id_text").fill("")
    expect(chat.locator("#returned")).to_be_empty()
    ask(chat, "Something else")
    expect(answers(chat)).to_have_count(2)


def test_it_takes_the_question_back_out_when_a_retry_answers_it(chat: Page, provider: FakeProvider) -> None:
    fail_once(provider, "moody-once")
    use(chat, "moody-once")
    ask(chat, "Precious words")
    expect(chat.locator("#returned")).to_contain_text("Your message is back")
    chat.get_by_role("button", name="Retry").click()
    expect_status(chat, "succeeded")
    expect(chat.locator("#id_text")).to_have_value("")


def test_it_tries_another_model_in_one_action(chat: Page, provider: FakeProvider) -> None:
    provider.script("never", failure(DIALECT, 400))
    use(chat, "never")
    ask(chat)
    expect_status(chat, "failed")
    chat.get_by_role("button", name="Try another model").click()
    chat.get_by_role("option", name="fake-small").first.click()
    expect_status(chat, "succeeded")
    expect(answers(chat).locator("h2")).to_have_text("Work fake-small")


def test_it_marks_a_refused_token_and_leads_to_it(chat: Page, provider: FakeProvider) -> None:
    fail_once(provider, "turned-down", 401)
    use(chat, "turned-down")
    ask(chat)
    expect_status(chat, "failed")
    answers(chat).get_by_role("link", name="Go to provider keys").click()
    expect(chat).to_have_url(re.compile("/tokens/$"))
    row = chat.locator("main").get_by_text("Work", exact=True).locator("xpath=ancestor::*[self::tr or self::li][1]")
    expect(row).to_contain_text("Refused")
    chat.go_back()
    chat.get_by_role("button", name="Retry").click()
    expect_status(chat, "succeeded")
    chat.goto(f"{chat.url.partition('/chat/')[0]}/tokens/")
    expect(row).to_contain_text("Working")


def test_it_waits_no_longer_than_one_wants(chat: Page) -> None:
    use(chat, "status-429-retry-15")
    ask(chat)
    note = answers(chat).locator(".notice .note")
    expect(note).to_contain_text("attempt 2 of 3")
    chat.get_by_role("button", name="Retry now").click()
    expect(note).to_contain_text("attempt 3 of 3")
    chat.get_by_role("button", name="Cancel").click()
    expect_status(chat, "stopped")


def test_it_asks_another_model_instead_of_waiting(chat: Page) -> None:
    use(chat, "status-429-retry-15")
    ask(chat)
    answers(chat).get_by_role("button", name="Try another model").click()
    chat.get_by_role("option", name="fake-small").first.click()
    expect(chat.locator(".answer .siblings")).to_contain_text("2/2")
    expect_status(chat, "succeeded")
