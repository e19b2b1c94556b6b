from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, expect

from aistrale.tests.end_to_end.chat_page import answers, ask, expect_status, expect_words, use
from inference.tests.fake_provider import FakeProvider, answer, failure
from inference.tests.wire import DIALECTS

HOSTILE = """
# Title <script>document.title = "ran"</script>

<img src="http://evil.example/a.png" onerror="document.title = 'ran'">

![picture](http://evil.example/b.png) [link](javascript:document.title='ran') [out](http://evil.example/)

<div hx-get="/tokens/" hx-trigger="load" hx-swap-oob="innerHTML:#composer">x</div>
<style>body { display: none }</style>

```html
<script>document.title = "ran"</script></code></pre><img src="http://evil.example/c.png">
```

<div id="composer-ids" hx-swap-oob="true"></div> </div></article><iframe src="http://evil.example/d"></iframe>
"""


def test_it_streams_an_answer(chat: Page) -> None:
    use(chat, "words-60-every-20ms")
    ask(chat, "A question of mine")
    expect_words(chat, 10)
    expect(answers(chat).locator(".meta")).to_have_attribute("data-status", "running")
    expect_status(chat, "succeeded")
    expect_words(chat, 59)


def test_it_gives_a_new_conversation_its_address_and_title(chat: Page) -> None:
    ask(chat, "What is a monad?")
    expect_status(chat, "succeeded")
    expect(chat).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}/$"))
    expect(chat).to_have_title("What is a monad? · AISTRALE")
    expect(chat.locator("#conversation-list [aria-current=page]").first).to_have_text("What is a monad?")


def test_it_empties_the_input_once_the_message_is_stored(chat: Page) -> None:
    ask(chat)
    expect_status(chat, "succeeded")
    expect(chat.locator("#id_text")).to_have_value("")
    expect(chat.locator("#id_text")).to_be_focused()


def test_it_shows_the_figures_of_an_answer(chat: Page) -> None:
    ask(chat)
    expect_status(chat, "succeeded")
    answers(chat).get_by_title("Show figures").click()
    figures = answers(chat).locator(".figures-menu")
    for part in ("Time to first token", "Input", "Output", "unpriced"):
        expect(figures).to_contain_text(part)


def test_it_announces_the_end_once(chat: Page) -> None:
    ask(chat)
    expect(chat.locator("#announcer")).to_have_text(re.compile(r"^Answer complete, \d+ tokens$"))
    expect(chat.locator("#messages")).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("way", ["button", "Escape"])
def test_it_stops(chat: Page, provider: FakeProvider, way: str) -> None:
    use(chat, "endless")
    ask(chat)
    expect(answers(chat)).to_contain_text("word word")
    if way == "button":
        chat.get_by_role("button", name="Stop", exact=True).click()
    else:
        chat.keyboard.press("Escape")
    assert provider.last("endless").closed.wait(2)
    expect_status(chat, "stopped")
    expect(answers(chat)).to_contain_text("word word")
    expect(chat.locator("#id_text")).to_be_focused()


def test_it_stops_what_the_server_has_not_confirmed_yet(chat: Page, provider: FakeProvider) -> None:
    use(chat, "endless")
    chat.wait_for_load_state()
    field = chat.get_by_label("Message", exact=True)
    field.fill("Hello")
    # Both keys in one task of the browser: no message of the server can come between them.
    field.evaluate(
        """field => {
            for (const key of [{ key: "Enter", ctrlKey: true }, { key: "Escape" }])
                field.dispatchEvent(new KeyboardEvent("keydown", { ...key, bubbles: true, cancelable: true }));
        }"""
    )
    expect_status(chat, "stopped")
    expect(chat.locator(".question")).to_contain_text("Hello")
    expect(field).to_have_value("")


def test_it_goes_on_after_a_reload(chat: Page) -> None:
    use(chat, "words-100-every-40ms")
    ask(chat)
    expect_words(chat, 20)
    chat.reload()
    expect_words(chat, 21)
    expect_status(chat, "succeeded")
    expect(answers(chat)).to_have_text(re.compile(r"word0 word1 .*word99"))


def test_it_streams_to_a_second_tab(chat: Page) -> None:
    use(chat, "words-100-every-40ms")
    ask(chat)
    expect_words(chat, 10)
    second = chat.context.new_page()
    second.goto(chat.url)
    expect_words(second, 30)
    expect_status(second, "succeeded")
    expect_status(chat, "succeeded")
    assert second.locator(".prose:not(.tail)").inner_text() == chat.locator(".prose:not(.tail)").inner_text()


def test_it_keeps_every_answer_to_a_question(chat: Page) -> None:
    ask(chat)
    expect_status(chat, "succeeded")
    chat.get_by_role("button", name="Regenerate").click()
    expect(chat.locator(".siblings")).to_contain_text("2/2")
    expect_status(chat, "succeeded")
    chat.get_by_role("link", name="Previous answer").click()
    expect(chat.locator(".siblings")).to_contain_text("1/2")
    expect(chat).to_have_url(re.compile(r"leaf=\d+"))
    chat.reload()
    expect(chat.locator(".siblings")).to_contain_text("1/2")


def test_it_answers_again_with_another_model(chat: Page) -> None:
    ask(chat)
    expect_status(chat, "succeeded")
    chat.get_by_role("button", name="Try another model").click()
    chat.get_by_role("option", name="fake-small").first.click()
    expect(chat.locator(".siblings")).to_contain_text("2/2")
    expect(answers(chat).locator("h2")).to_have_text("Work fake-small")


def test_it_begins_a_branch_with_an_edited_question(chat: Page) -> None:
    ask(chat, "First wording")
    expect_status(chat, "succeeded")
    chat.keyboard.press("ArrowUp")
    editor = chat.get_by_role("form", name="Edit the question").get_by_label("Question")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("First wording")
    editor.fill("Second wording")
    chat.keyboard.press("Control+Enter")
    expect(chat.locator(".question .siblings")).to_contain_text("2/2")
    expect(chat.locator(".question-text")).to_have_text("Second wording")
    expect_status(chat, "succeeded")
    chat.get_by_role("link", name="Previous wording").click()
    expect(chat.locator(".question-text")).to_have_text("First wording")


def test_it_goes_on_below_the_branch_that_is_shown(chat: Page, provider: FakeProvider) -> None:
    ask(chat, "Question one")
    expect_status(chat, "succeeded")
    chat.get_by_role("button", name="Regenerate").click()
    expect(chat.locator(".siblings")).to_contain_text("2/2")
    expect_status(chat, "succeeded")
    chat.get_by_role("link", name="Previous answer").click()
    expect(chat.locator(".siblings")).to_contain_text("1/2")
    ask(chat, "Question two")
    expect(answers(chat)).to_have_count(2)
    expect(chat.locator(".siblings").first).to_contain_text("1/2")


def test_it_loads_and_runs_nothing_that_a_model_writes(chat: Page, provider: FakeProvider) -> None:
    outside: list[str] = []

    def note(request: Request) -> None:
        if "evil.example" in request.url or request.url.endswith("/tokens/"):
            outside.append(request.url)

    chat.on("request", note)
    pieces = [HOSTILE[start : start + 7] for start in range(0, len(HOSTILE), 7)]
    provider.script("hostile", answer(DIALECTS["v1"], "hostile", pieces, pause=0.005))
    use(chat, "hostile")
    ask(chat, HOSTILE)
    for _ in range(2):
        expect_status(chat, "succeeded")
        expect(chat).to_have_title(re.compile("AISTRALE"))
        expect(
            answers(chat).locator("script, img, iframe, style, [hx-get], [onerror], [href^=javascript]")
        ).to_have_count(0)
        expect(answers(chat).get_by_role("link", name="out")).to_have_attribute("rel", re.compile("noopener"))
        expect(chat.locator("#composer-ids input")).to_have_count(2)
        chat.reload()
    assert outside == []


def test_it_shows_an_error_in_place_of_the_answer(chat: Page) -> None:
    use(chat, "status-429-retry-300")
    ask(chat)
    expect_status(chat, "failed")
    for part in ("Rate limit reached", "made-up failure 429", "rate_limited", "req_fake", "Retry in 29"):
        expect(answers(chat).get_by_role("heading").locator("xpath=../..").last).to_contain_text(part)
    expect(chat.locator("#announcer")).to_contain_text("The answer failed")


def test_it_says_that_a_token_is_refused(chat: Page, provider: FakeProvider) -> None:
    dialect = DIALECTS["v1"]
    provider.script("revoked", failure(dialect, 401, "Incorrect API key"), answer(dialect, "revoked", ["welcome back"]))
    use(chat, "revoked")
    ask(chat)
    expect_status(chat, "failed")
    for part in ("Incorrect API key", "HTTP status401", "req_fake"):
        expect(answers(chat).locator(".note")).to_contain_text(part)
    chat.get_by_role("button", name="Retry").click()
    expect_status(chat, "succeeded")
    expect(answers(chat)).to_contain_text("welcome back")


def test_it_tries_again_after_an_error(chat: Page, provider: FakeProvider) -> None:
    good = answer(DIALECTS["v1"], "moody", ["fine ", "now"])
    provider.script("moody", answer(DIALECTS["v1"], "moody", [], reason="filtered"), good)
    use(chat, "moody")
    ask(chat)
    expect_status(chat, "failed")
    chat.get_by_role("button", name="Retry").click()
    expect_status(chat, "succeeded")
    expect(answers(chat)).to_contain_text("fine now")
