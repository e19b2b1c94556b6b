"""Every form with a text field that pages lead to, found by following their links."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import APIRequestContext

# Without a type an input is one for text.
TEXT_TYPES = {"text", "search", "email", "url", "password", "tel"}
NO_PAGES = re.compile(r"/static/|/logout|/export\.|/login|/health|[?&](o|p|page|shown|status)=")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d+\b")


class _Reader(HTMLParser):
    """``forms``: the action and the text fields of each, also of those fields that name it from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, set[str]]] = []
        self._by_id: dict[str, set[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            fields = self._by_id.setdefault(given.get("id", f"#{len(self.forms)}"), set())
            self.forms.append((given.get("action", ""), fields))
        elif given.get("name") and (tag == "textarea" or tag == "input" and given.get("type", "text") in TEXT_TYPES):
            fields = self._by_id.setdefault(given["form"], set()) if "form" in given else self.forms[-1][1]
            fields.add(given["name"])


def shape(address: str) -> str:
    """Its path, in which any id is as good as any other."""
    return _ID.sub("<id>", urlsplit(address).path)


def forms_from(client: APIRequestContext, start: str) -> dict[str, str]:
    """Of each form, such as ``/tokens/<id>/edit/: base_url label secret``, an address at which it is."""
    todo, seen, found = [start], {shape(start)}, dict[str, str]()
    while todo:
        answer = client.get(todo.pop())
        reader = _Reader()
        if "text/html" in answer.headers.get("content-type", ""):
            reader.feed(answer.text())
        for link in (urljoin(answer.url, link).partition("#")[0] for link in reader.links):
            if link.startswith(start) and shape(link) not in seen and not NO_PAGES.search(link):
                seen.add(shape(link))
                todo.append(link)
        for action, fields in reader.forms:
            where = shape(urljoin(answer.url, action))
            if fields:
                found.setdefault(f"{where}: {' '.join(sorted(fields))}", answer.url)
    return found
