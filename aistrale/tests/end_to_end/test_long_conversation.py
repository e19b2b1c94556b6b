"""A conversation of which the page shows a part, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import ADMIN, Site
from aistrale.tests.end_to_end.chat_page import ask, expect_status

MAKE = """
import sys
from itertools import pairwise
from accounts.models import User
from inference.models import Conversation, Message

owner = User.objects.get(email=sys.stdin.readline().strip())
conversation = Conversation.objects.create(owner=owner, title="Long", provider="echo", model="echo")
turns = [
    Message(conversation=conversation, role="assistant" if number % 2 else "user", text=f"Text {number}. " * 30)
    for number in range(80)
]
Message.objects.bulk_create(turns)
for parent, turn in pairwise(turns):
    turn.parent = parent
Message.objects.bulk_update(turns, ["parent"])
print(conversation.get_absolute_url(), turns[0].pk)
"""


def open_long(page: Page, site: Site) -> tuple[str, int]:
    """The address of a new conversation with 80 messages, which the page shows, and the id of the first of them."""
    path, first = site.manage("shell", "--verbosity", "0", "-c", MAKE, stdin=f"{ADMIN}\n").split()
    page.goto(f"{site.url}{path}")
    page.wait_for_load_state()
    return f"{site.url}{path}", int(first)


def is_in_view(page: Page, number: int) -> bool:
    box = page.locator(f"#message-{number}").bounding_box()
    return box is not None and 0 <= box["y"] < (page.viewport_size or {"height": 0})["height"]


def test_it_reads_on_upwards_from_where_it_was(signed_in: Page, site: Site) -> None:
    _, first = open_long(signed_in, site)
    expect(signed_in.locator(".turn")).to_have_count(30)
    for shown in (60, 80):
        read = signed_in.locator(".turn").first
        link = signed_in.get_by_role("link", name="Earlier messages")
        link.scroll_into_view_if_needed()
        read_id = int((read.get_attribute("id") or "").removeprefix("message-"))
        link.focus()
        signed_in.keyboard.press("Enter")
        expect(signed_in.locator(".turn")).to_have_count(shown)
        assert is_in_view(signed_in, read_id)
        expect(signed_in.locator(f"#message-{read_id}")).to_be_focused()
    expect(link).to_have_count(0)
    expect(signed_in.locator(".turn").first).to_have_id(f"message-{first}")


def test_a_link_to_an_early_message_shows_it(signed_in: Page, site: Site) -> None:
    url, first = open_long(signed_in, site)
    signed_in.goto("about:blank")
    signed_in.goto(f"{url}#message-{first + 20}")
    expect(signed_in.locator(f"#message-{first + 20}")).to_be_in_viewport()
    signed_in.evaluate(f"location.hash = '#message-{first + 75}'")
    expect(signed_in.locator(f"#message-{first + 75}")).to_be_in_viewport()


def test_it_shows_what_is_asked_below_messages_of_long_ago(signed_in: Page, site: Site) -> None:
    url, first = open_long(signed_in, site)
    signed_in.goto(f"{url}?leaf={first + 10}")
    expect(signed_in.locator(f"#message-{first + 10}")).to_be_in_viewport()
    ask(signed_in, "And now?")
    expect_status(signed_in, "succeeded")
    expect(signed_in.locator(".turn").last).to_be_in_viewport()
    signed_in.get_by_role("link", name="Latest messages").click()
    expect(signed_in.locator(".turn")).to_have_count(30)
    expect(signed_in.locator(".question-text").last).to_have_text("And now?")
    expect(signed_in.locator(f"#message-{first + 79}")).to_have_count(1)


def test_it_counts_all_text_against_the_context(signed_in: Page, site: Site) -> None:
    open_long(signed_in, site)
    before = context_tokens(signed_in)
    signed_in.get_by_role("link", name="Earlier messages").click()
    expect(signed_in.locator(".turn")).to_have_count(60)
    signed_in.wait_for_timeout(500)
    assert before > 80 * 30 * 2 and abs(context_tokens(signed_in) - before) < before / 50


def context_tokens(page: Page) -> int:
    words = page.locator("#context-words")
    expect(words).to_contain_text("≈")
    return int((words.text_content() or "").split()[1].replace(",", ""))
