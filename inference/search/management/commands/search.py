"""manage.py search: what a user finds, on the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from inference.search import query_text
from inference.search.models import Kind
from inference.search.scopes import Filters
from inference.search.searching import search
from inference.search.shown import Hit, as_json

_MOST = 100


class Command(BaseCommand):
    help = "Search with the rights of a user. What others have said privately is never printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", help="words, and “quoted” text that must occur literally")
        parser.add_argument("--user", required=True, help="email address of the user who searches")
        parser.add_argument("--kind", choices=Kind.values, default="", help="only calls, conversations or prompts")
        parser.add_argument("--limit", type=int, default=10, help=f"most results, up to {_MOST} (default 10)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["user"].lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"No active user with the email address {options['user']}.")
        query = query_text.read(options["text"])
        limit = max(1, min(options["limit"], _MOST))
        results = search(viewer=user, query=query, filters=Filters(kind=options["kind"]), limit=limit)
        if options["json"]:
            found = {"notice": results.notice, "results": [as_json(hit) for hit in results.hits]}
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
            return
        if results.notice:
            self.stderr.write(results.notice)
        for hit in results.hits:
            self._print(hit)
        if not results.hits:
            self.stdout.write("No results.")

    def _print(self, hit: Hit) -> None:
        self.stdout.write(f"{hit.kind.value:13}{hit.at:%Y-%m-%d %H:%M}  {_plain(hit.title)}  {hit.url}")
        if hit.snippet:
            self.stdout.write(f"    {_plain(hit.snippet.text)}")
        if hit.reasons:
            self.stdout.write(f"    {_plain(' · '.join(hit.reasons))}")


def _plain(text: str) -> str:
    """On one line, and without what could move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
