"""Two people in two browsers: one shares a conversation, the other reads along. And what axe finds there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from aistrale.tests.end_to_end.browser import PASSWORD, Site
from aistrale.tests.end_to_end.chat_page import ask, expect_status
from aistrale.tests.end_to_end.usability import check_usable

SignIn = Callable[[Page, str], None]
MAKE = """
import sys
from accounts.models import User
from accounts.teams.services import add_member, create_team
from inference.models import Conversation, Message
admin, password = User.objects.administrators().earliest("pk"), sys.stdin.read()
reader, loner = (User.objects.create_user(f"{name}@example.org", password, name=name) for name in ("reader", "loner"))
team = create_team(name="Readers <b>", actor=admin)
for user in (admin, reader):
    add_member(team=team, user=user, actor=admin)
made = Conversation.objects.create(
    owner=admin, title="On heaps <b> " + "x" * 90, provider="echo", model="echo", system="Brief", visibility="everyone"
)
asked = Message.objects.create(conversation=made, role="user", text="What is a heap?")
Message.objects.create(conversation=made, parent=asked, role="assistant", text="A **tree**.")
print(made.pk, team.pk)
"""


@pytest.fixture(scope="module")
def made(site: Site) -> dict[str, str]:
    """A team of the administrator and a reader, and a conversation for everyone; by kind their ids."""
    conversation, team = site.manage("shell", "-c", MAKE, stdin=PASSWORD).split()[-2:]
    return {"conversation": conversation, "team": team}


@pytest.fixture
def reader(chromium: Browser, made: dict[str, str], sign_in: SignIn) -> Iterator[Page]:
    page = chromium.new_page()
    sign_in(page, "reader@example.org")
    yield page
    page.close()


def share(page: Page, audience: str) -> None:
    """With the conversation open, from the menu in the list."""
    page.locator("#conversation-list [aria-current=page] ~ button").click()
    page.locator(".conversation .menu:popover-open").get_by_role("link", name="Share").click()
    page.get_by_label("Shared with", exact=True).select_option(label=audience)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("is shared with")


def test_it_reads_along_until_the_owner_takes_it_back(signed_in: Page, reader: Page, site: Site) -> None:
    page = signed_in
    page.goto(f"{site.url}/chat/?provider=echo&model=echo")
    ask(page, "Live talk")
    expect_status(page, "succeeded")
    page.wait_for_url(re.compile("/chat/.+-"))
    page.reload()
    share(page, "Team Readers <b>")
    reader.goto(f"{site.url}/chat/")
    reader.get_by_role("button", name="Filter").click()
    reader.get_by_label("Shared with me").check()
    reader.keyboard.press("Escape")
    reader.get_by_role("link", name="Live talk").click()
    expect(reader.get_by_text("with the team Readers <b>")).to_be_visible()

    ask(page, "And what now?")
    expect(reader.locator(".question").last).to_contain_text("And what now?")
    expect_status(reader, "succeeded")
    assert reader.locator(".answer").last.inner_text() != ""

    share(page, "Nobody")
    expect(reader.locator("#connection")).to_contain_text("not shared with you any more")


def test_it_has_the_keys_that_its_help_lists(reader: Page, site: Site, made: dict[str, str]) -> None:
    reader.goto(f"{site.url}/chat/{made['conversation']}/")
    reader.keyboard.press("?")
    expect(reader.locator("#help-dialog")).to_contain_text("Search conversations")
    expect(reader.locator("#help-dialog")).not_to_contain_text("Pick a model")
    reader.keyboard.press("Escape")
    reader.keyboard.press("/")
    expect(reader.get_by_label("Search titles and messages")).to_be_focused()


def test_it_goes_on_in_a_copy(reader: Page, site: Site, made: dict[str, str]) -> None:
    reader.goto(f"{site.url}/chat/{made['conversation']}/")
    reader.get_by_role("button", name="Duplicate to continue").click()
    expect(reader.locator("#toasts")).to_contain_text("This copy is private to you")
    ask(reader, "More")
    expect(reader.locator(".answer")).to_have_count(2)
    expect_status(reader, "succeeded")


def test_it_is_usable_for_whoever_reads_along(reader: Page, site: Site, made: dict[str, str]) -> None:
    reader.goto(f"{site.url}/chat/{made['conversation']}/?shared=1")
    check_usable(reader)
