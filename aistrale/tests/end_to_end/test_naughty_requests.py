"""The Big List of Naughty Strings where no text is asked for: numbers, dates, choices, hidden fields, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import cycle
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Role, Team, User
from accounts.people.invitations import invite
from aistrale.tests.end_to_end.crawl import NO_PAGES, shape
from aistrale.tests.end_to_end.test_naughty_strings import STRINGS, danger_in
from aistrale.tests.routes import all_routes, path_of
from inference.models import Conversation, Message
from tokens.services import add_token

# U+0000 has an answer of its own, see test_naughty_strings.
ORDERED = sorted((string for string in STRINGS if "\0" not in string), key=lambda string: "<" not in string)
# Of Django's change lists, which show no link for some of them.
USUAL = {"o", "p", "e", "all", "page", "next", "_to_field", "_popup", "_changelist_filters"}
CHANGE_LIST = re.compile("/admin/[a-z]+/[a-z]+/$")

Form = tuple[str, str, dict[str, str]]


class Reader(HTMLParser):
    """``forms``: method, action and what a browser would send of each."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = [("get", "", {})]
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        fields = self.forms[-1][2]
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self.forms.append((given.get("method", "get"), given.get("action", ""), {}))
        elif tag in ("input", "textarea", "select") and "name" in given:
            self._select = given["name"] if tag == "select" else ""
            fields.setdefault(given["name"], given.get("value", ""))
        elif tag == "option" and self._select and (not fields[self._select] or "selected" in given):
            fields[self._select] = given.get("value", "")


@pytest.fixture
def known(admin: User, alice: User, team: Team, confirmed_client_of: Callable[[User], Client]) -> Client:
    """The client of an administrator, for whom there is one of everything."""
    add_token(owner=admin, actor=admin, provider="openai", label="Main", secret="sk-0123456789abcdef")
    talk = Conversation.objects.create(owner=admin, title="Talk", provider="echo", model="echo")
    Message.objects.create(conversation=talk, role="user", text="Hi")
    invite(email="dora@example.org", role=Role.ENGINEER, actor=admin)
    client = confirmed_client_of(admin)
    client.raise_request_exception = False
    return client


def pages(client: Client) -> Iterator[tuple[str, Reader]]:
    """One of each shape that links lead to."""
    todo, asked = ["/"], {"/"}
    while todo:
        path = todo.pop()
        answer = client.get(path)
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            reader = Reader()
            reader.feed(answer.content.decode())
            yield path, reader
            for link in (urljoin(path, link).partition("#")[0] for link in reader.links):
                if link.startswith("/") and shape(link) not in asked and not NO_PAGES.search(link):
                    asked.add(shape(link))
                    todo.append(link)


def wrong_with(client: Client, method: str, path: str, fields: dict[str, str]) -> list[str]:
    answer = client.get(path, fields) if method == "get" else client.post(path, fields)
    danger = [] if answer.streaming else danger_in(answer.content.decode(errors="replace"))
    bad = answer.status_code >= 500 or any(text in found for found in danger for text in fields.values() if "<" in text)
    return [f"{method} {path} {fields}: {answer.status_code} {danger}"] if bad else []


def test_every_parameter_of_every_page_may_be_any_text(known: Client) -> None:
    strings, wrong = cycle(ORDERED), list[str]()
    for path, page in list(pages(known)):
        queries = [name for link in page.links for name, _ in parse_qsl(urlsplit(link).query)]
        fields = [name for method, _, form in page.forms if method == "get" for name in form]
        for name in sorted({*queries, *fields} | (USUAL if CHANGE_LIST.match(path) else set())):
            wrong += wrong_with(known, "get", urlsplit(path).path, {name: next(strings)})
    assert wrong == []


@pytest.mark.usefixtures("fake_checker")
def test_every_field_of_every_form_may_be_any_text(known: Client, admin: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    settings.FAILURES_PER_ADDRESS = settings.FAILURES_PER_KEY = (1_000_000, 60)
    strings, wrong, sent = cycle(ORDERED), list[str](), set[str]()
    for path, page in list(pages(known)):
        for method, action, fields in page.forms:
            to = urljoin(path, action)
            for name in fields if method == "post" else ():
                if name != "csrfmiddlewaretoken" and f"{shape(to)} {name}" not in sent:
                    sent.add(f"{shape(to)} {name}")
                    wrong += wrong_with(known, "post", to, fields | {name: next(strings)})
    assert wrong == [] and len(sent) > 100


def test_every_part_of_an_address_may_be_any_text(known: Client) -> None:
    routes = [route for route in all_routes() if "<str:" in route or "<path:" in route or "(?P" in route]
    strings, wrong = cycle(quote(string, safe="") for string in ORDERED if string), list[str]()
    for route in routes:
        wrong += wrong_with(known, "get", path_of(route, next(strings), next(strings)), {})
    assert wrong == []
