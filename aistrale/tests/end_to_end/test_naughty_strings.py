"""The Big List of Naughty Strings through every text that people enter.

The list is github.com/minimaxir/big-list-of-naughty-strings, MIT, see data/naughty_strings.LICENSE.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Dialog, Page, Request
from pytest_django import Settings

from accounts.models import User
from aistrale.tests.end_to_end.browser import Site, log_in
from inference.chat.forms import RunForm
from inference.models import Conversation, Message
from tokens.models import ProviderToken

ClientOf = Callable[[User], Client]
STRINGS: list[str] = json.loads((Path(__file__).parents[1] / "data" / "naughty_strings.json").read_text())
SEARCHES = {
    "/chat/": "q",
    "/telemetry/": "model",
    "/audit/": "actor",
    "/admin/accounts/user/": "q",
    "/admin/tokens/providertoken/": "q",
    "/admin/telemetry/generation/": "q",
    "/admin/audit/auditevent/": "q",
}


class Danger(HTMLParser):
    """Collects what a page should not have got from a string: scripts of its own, handlers, addresses elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "script" and not values.get("src", "").startswith("/static/"):
            self.found.append(f"<{tag} {values}>")
        if any(name.startswith("on") for name in values) or tag in ("iframe", "object", "embed", "marquee", "video"):
            self.found.append(f"<{tag} {values}>")
        links = [values.get(name, "") for name in ("src", "action")]
        links += [values.get("href", "")] if tag != "a" else []
        if any(urlsplit(link).netloc or urlsplit(link).scheme for link in links):
            self.found.append(f"<{tag} {values}>")


def danger_in(page: str) -> list[str]:
    parser = Danger()
    parser.feed(page)
    return parser.found


def test_the_list_would_be_noticed_unescaped() -> None:
    assert len(danger_in("".join(f"<p>{string}</p>" for string in STRINGS))) > 50


@pytest.fixture
def full_of_it(alice: User) -> Conversation:
    """A conversation in which everything is called after each string, as a question and as an answer."""
    conversation = Conversation.objects.create(owner=alice, title="Naughty")
    for string in STRINGS:
        Conversation.objects.create(owner=alice, title=string.replace("\0", "")[:200] or "empty")
        question = Message.objects.create(conversation=conversation, role="user", text=string)
        Message.objects.create(conversation=conversation, parent=question, role="assistant", text=string)
        ProviderToken.objects.create(owner=alice, provider="openai", label=string[:80], secret=b"x")
    return conversation


def test_naughty_strings_are_shown_as_text_everywhere(full_of_it: Conversation, client_of: ClientOf) -> None:
    mine = client_of(full_of_it.owner)
    answers = [mine.get(full_of_it.get_absolute_url()), mine.get("/tokens/"), mine.get("/chat/?shown=1000")]
    assert [danger for answer in answers for danger in danger_in(answer.content.decode())] == []


@pytest.mark.django_db
def test_naughty_strings_may_be_searched_for(admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    client.raise_request_exception = False
    own = {path: danger_in(client.get(path).content.decode()) for path in SEARCHES}
    wrong = []
    for number, string in enumerate(STRINGS[::3]):
        path, name = list(SEARCHES.items())[number % len(SEARCHES)]
        answer = client.get(path, {name: string})
        if answer.status_code >= 500 or danger_in(answer.content.decode()) != own[path]:
            wrong.append((path, string, answer.status_code))
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/chat/?q=%00", "/admin/audit/auditevent/?outcome=%00", "/admin/accounts/user/%00/"])
def test_an_address_with_u0000_is_refused(admin: User, client_of: ClientOf, path: str) -> None:
    answer = client_of(admin).get(path)
    assert answer.status_code == 400 and b"Error 400" in answer.content


FORMS = {
    "/account/profile/": {"name": "", "time_zone": "UTC", "theme": "dark"},
    "/tokens/add/": {"label": "", "provider": "openai", "secret": "sk-0123456789abcdef"},
    "/tokens/add/#secret": {"secret": "", "provider": "openai", "label": "Main"},
    "/account/teams/add/": {"name": ""},
    "/login/": {"login": "", "password": "x"},
    "/account/confirm/": {"password": ""},
}


@pytest.mark.django_db
@pytest.mark.usefixtures("fake_checker")
def test_naughty_strings_may_be_sent_by_every_form(admin: User, client_of: ClientOf, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    settings.FAILURES_PER_ADDRESS = settings.FAILURES_PER_KEY = (1_000_000, 60)
    client, wrong = client_of(admin), []
    client.raise_request_exception = False
    for number, string in enumerate(STRINGS[::2]):
        path, fields = list(FORMS.items())[number % len(FORMS)]
        sender = Client(raise_request_exception=False) if path == "/login/" else client
        answer = sender.post(path, {name: value or string for name, value in fields.items()})
        if answer.status_code >= 500 or danger_in(answer.content.decode()):
            wrong.append((path, string, answer.status_code))
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["text", "system", "model", "param-length", "client_id", "parent", "provider"])
def test_naughty_strings_may_come_by_socket(field: str) -> None:
    good = {"text": "Hi", "provider": "echo", "model": "echo", "client_id": "00000000-0000-4000-8000-000000000000"}
    for string in STRINGS:
        form = RunForm({**good, field: string})
        if form.is_valid():
            assert form.to_request().provider == "echo"


REPRESENTATIVE = [string for string in STRINGS if re.search(r"<script|onerror|javascript:|<svg|\{\{|src=", string)][::6]


def watch(page: Page, url: str) -> list[str]:
    """Collects dialogs, answers of 500 and more, and requests that leave the site. Unsaved text is left behind."""
    seen: list[str] = []

    def note_dialog(dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            return dialog.accept()
        seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def note_request(request: Request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            seen.append(f"request: {request.url}")

    page.on("dialog", note_dialog)
    page.on("request", note_request)
    page.on("response", lambda answer: seen.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)
    return seen


@pytest.fixture
def watched(page: Page, site: Site) -> Iterator[Page]:
    seen = watch(page, site.url)
    yield page
    assert seen == []


def test_naughty_strings_do_nothing_in_a_browser(watched: Page, site: Site) -> None:
    log_in(watched, site)
    watched.goto(f"{site.url}/chat/?provider=echo&model=echo")
    watched.get_by_label("Message", exact=True).fill("\n\n".join(REPRESENTATIVE))
    watched.keyboard.press("Control+Enter")
    watched.locator('[data-status="succeeded"]').wait_for()
    watched.goto(f"{site.url}/account/profile/")
    watched.locator("main [name=name]").fill(REPRESENTATIVE[0][:100])
    watched.keyboard.press("Enter")
    watched.wait_for_load_state()
