from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from aistrale.tests.end_to_end.browser import ADMIN, Site, add_administrator, log_in, running_site
from aistrale.tests.end_to_end.chat_page import add_token, answers, ask, expect_status, expect_words, use
from aistrale.tests.end_to_end.cut_proxy import CutProxy
from inference.tests.fake_provider import FakeProvider


@pytest.fixture
def line(chat: Page, site: Site) -> Iterator[CutProxy]:
    """The line of the page to the server; the page speaks through it."""
    port = urlsplit(site.url).port
    assert port
    with CutProxy(port) as line:
        cookies = chat.context.cookies()
        chat.context.add_cookies([{"name": c["name"], "value": c["value"], "url": line.url} for c in cookies])
        chat.goto(f"{line.url}/chat/?provider=openai&model=fake-large")
        yield line
        chat.goto("about:blank")


def test_it_makes_one_run_of_two_key_presses(chat: Page, provider: FakeProvider) -> None:
    use(chat, "words-31-every-5ms")
    ask(chat)
    chat.keyboard.press("Control+Enter")
    expect_status(chat, "succeeded")
    expect(answers(chat)).to_have_count(1)
    assert len(provider.calls("words-31-every-5ms")) == 1


def test_it_makes_one_run_of_a_double_click(chat: Page, provider: FakeProvider) -> None:
    use(chat, "words-32-every-30ms")
    chat.get_by_label("Message", exact=True).fill("Hello")
    # The second click comes when the answer has begun, and the button stops it.
    chat.locator("#send").click(click_count=2, delay=200)
    expect_status(chat, "succeeded")
    expect(answers(chat)).to_have_count(1)
    assert len(provider.calls("words-32-every-30ms")) == 1


def test_it_shows_what_came_while_the_line_was_cut(chat: Page, line: CutProxy, provider: FakeProvider) -> None:
    use(chat, "words-150-every-40ms")
    ask(chat)
    expect_words(chat, 5)
    line.is_down = True
    line.cut()
    expect(chat.locator("#connection")).to_contain_text("Reconnecting")
    chat.locator("#id_text").fill("Next thought")
    line.is_down = False
    expect(chat.locator("#connection")).to_be_hidden()
    expect_status(chat, "succeeded")
    expect(answers(chat)).to_contain_text("word0 word1 word2")
    expect(chat.locator("#id_text")).to_have_value("Next thought")
    assert len(provider.calls("words-150-every-40ms")) == 1


def test_it_sends_a_message_that_was_lost_on_the_line_once(chat: Page, line: CutProxy, provider: FakeProvider) -> None:
    use(chat, "words-7")
    expect(chat.locator("#connection")).to_be_hidden()
    chat.wait_for_timeout(500)
    line.swallows = True
    ask(chat, "Lost and found")
    line.cut()
    line.swallows = False
    expect_status(chat, "succeeded")
    expect(chat.locator(".question")).to_have_count(1)
    expect(chat.locator("#id_text")).to_have_value("")
    assert len(provider.calls("words-7")) == 1


def test_it_does_not_send_twice_what_the_server_has(chat: Page, line: CutProxy, provider: FakeProvider) -> None:
    use(chat, "words-60-every-50ms")
    chat.wait_for_timeout(500)
    ask(chat, "Said once")
    provider.last("words-60-every-50ms")
    line.cut()
    expect_status(chat, "succeeded")
    expect(chat.locator(".question")).to_have_count(1)
    assert len(provider.calls("words-60-every-50ms")) == 1


def test_it_sends_what_was_written_while_the_line_was_down(chat: Page, line: CutProxy) -> None:
    line.is_down = True
    line.cut()
    expect(chat.locator("#connection")).to_contain_text("Reconnecting")
    ask(chat, "Patience")
    expect(chat.locator("#id_text")).to_have_value("Patience")
    line.is_down = False
    expect_status(chat, "succeeded")
    expect(chat.locator("#id_text")).to_have_value("")


def test_it_asks_to_log_in_when_the_session_has_ended(site: Site, talker: str, chromium: Browser) -> None:
    context = chromium.new_context()
    own = context.new_page()
    log_in(own, site, talker)
    own.goto(f"{site.url}/chat/?provider=openai&model=fake-large")
    other = context.new_page()
    other.goto(f"{site.url}/logout/")
    other.get_by_role("button", name="Log out").click()
    ask(own, "Too late")
    expect(own.locator("#connection")).to_contain_text("Your session has ended")
    expect(own.locator("#id_text")).to_have_value("Too late")
    context.close()


def test_it_goes_on_saying_that_the_session_has_ended(chat: Page, line: CutProxy) -> None:
    expect(chat.locator("#send")).to_be_enabled()
    chat.wait_for_timeout(500)
    chat.context.clear_cookies()
    line.cut()
    expect(chat.locator("#connection")).to_contain_text("Your session has ended")
    for _ in range(2):
        with chat.expect_event("websocket"):
            pass
    # At once: the words would come back with the next question whether the session has ended.
    assert "Your session has ended" in chat.locator("#connection").inner_text()


def test_it_stops_a_run_that_nobody_watches_any_more(page: Page, provider: FakeProvider, tmp_path: Path) -> None:
    with running_site(tmp_path, AISTRALE_RUN_GRACE_SECONDS="1") as site:
        add_administrator(site)
        add_token(site, ADMIN, provider)
        log_in(page, site)
        tab = page.context.new_page()
        tab.goto(f"{site.url}/chat/?provider=openai&model=words-1000-every-30ms")
        ask(tab)
        expect_words(tab, 3)
        address = tab.url
        tab.close()
        call = provider.last("words-1000-every-30ms")
        assert not call.closed.wait(0.5)
        assert call.closed.wait(5)
        page.goto(address)
        expect_status(page, "stopped")
        expect_words(page, 3)
