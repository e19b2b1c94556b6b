"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

EVERYONE = {
    "health/live",
    "health/ready",
    "metrics",  # by a token of its own
    "api/openapi.json",
}
USERS = {"", "admin/logout/", "admin/password_change/", "api-docs/"}
# Without the name of a field that has one.
NOBODY = {"admin/autocomplete/"}
NO_PAGES = {
    "metrics": "answers a program",
    "admin/login/": "leads to the log-in",
    "admin/logout/": "leads to the log-in",
    "admin/password_change/": "leads to the page of the product",
    "admin/password_change/done/": "nothing leads to it",
    "admin/r/<path:content_type_id>/<path:object_id>/": "leads to a page of the product",
    "admin/(?P<url>.*)$": "is not there",
}
