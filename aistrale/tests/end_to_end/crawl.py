"""Every page that other pages lead to, found by following their links, and every form with a text field on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import APIRequestContext

# Without a type an input is one for text.
TEXT_TYPES = {"text", "search", "email", "url", "password", "tel"}
NO_PAGES = re.compile(r"/static/|/logout|/export\.|/login|/health|[?&](conversation|o|p|page|shown|status)=")
OF_A_SHAPE = 3
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d+\b")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, set[str]]] = []
        self.content: set[str] | None = None
        self._by_id: dict[str, set[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "main":
            self.content = set()
        if self.content is not None:
            self.content.add(f"{tag} {given.get('class')} {given.get('type')}")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            fields = self._by_id.setdefault(given.get("id", f"#{len(self.forms)}"), set())
            self.forms.append((given.get("action", ""), fields))
        elif given.get("name") and (tag == "textarea" or tag == "input" and given.get("type", "text") in TEXT_TYPES):
            fields = self._by_id.setdefault(given["form"], set()) if "form" in given else self.forms[-1][1]
            fields.add(given["name"])


@dataclass(frozen=True)
class Found:
    """A page. ``forms``: the action and the text fields of each, also of fields that name it from elsewhere.

    ``content``: the kinds of elements from <main> on.
    """

    address: str
    content: frozenset[str]
    forms: list[tuple[str, set[str]]]


def shape(address: str) -> str:
    """Its path, in which any id is as good as any other."""
    return _ID.sub("<id>", urlsplit(address).path)


def crawl(client: APIRequestContext, *starts: str, within: str = "/") -> Iterator[Found]:
    """Some of each shape; links are followed to paths that match ``within``."""
    site = urljoin(starts[0], "/")
    todo, asked = list(starts), {urlsplit(start).path for start in starts}
    shapes = Counter(map(shape, asked))
    while todo:
        answer = client.get(todo.pop())
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        reader = _Reader()
        reader.feed(answer.text())
        yield Found(answer.url.partition("#")[0], frozenset(reader.content or ()), reader.forms)
        for link in (urljoin(answer.url, link).partition("#")[0] for link in reader.links):
            path = urlsplit(link).path
            if path not in asked and shapes[shape(path)] < OF_A_SHAPE and _leads_to_page(link, site, within):
                asked.add(path)
                shapes[shape(path)] += 1
                todo.append(link)


def _leads_to_page(link: str, site: str, within: str) -> bool:
    return link.startswith(site) and not NO_PAGES.search(link) and bool(re.match(within, urlsplit(link).path))


def forms_from(client: APIRequestContext, start: str) -> dict[str, str]:
    """Of each form, such as ``/tokens/<id>/edit/: base_url label secret``, an address at which it is."""
    found = dict[str, str]()
    for page in crawl(client, start):
        for action, fields in page.forms:
            if fields:
                found.setdefault(f"{shape(urljoin(page.address, action))}: {' '.join(sorted(fields))}", page.address)
    return found
