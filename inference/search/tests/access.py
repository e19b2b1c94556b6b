"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from telemetry.tests.access import a_call

USERS = {
    "search/",
    "search/palette/",
    "search/settings/",
    "search/settings/consent/",
    "search/similar/prompts/",
    "search/topics/",
}
EVERYONE = {"api/search"}
OBJECTS = {"search/similar/calls/<uuid:pk>/": (a_call, "pk")}
NO_PAGES = {
    "search/palette/": "a part of all pages",
    "search/similar/calls/<uuid:pk>/": "a part of the page of a call",
    "search/similar/prompts/": "a part of the prompt editor",
}
