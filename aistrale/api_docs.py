"""The page that tells programmers how to use the API: examples, and its operations as the OpenAPI document has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.profile.scopes import TITLES
from accounts.requests import UserRequest
from aistrale.api import api

ERRORS = (
    (400, "The request cannot be read, or asks for two things at once."),
    (401, "The key is missing, unknown, expired or revoked, or its user is deactivated."),
    (403, "The key lacks the scope, or its user the right."),
    (404, "There is no such prompt, version or label, or the user of the key may not see it."),
    (
        409,
        "It contradicts what is there: a name that is taken, a label on a version to delete, a broken include.",
    ),
    (413, "The body or the prompt is too large."),
    (422, "A field is wrong; “details” names it."),
    (429, "Too many requests; Retry-After says how many seconds to wait."),
    (503, "The server is busy or cannot reach its database; Retry-After says when to try again."),
)


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    summary: str


@require_safe
def api_docs(request: UserRequest) -> HttpResponse:
    context = {
        "url": settings.PUBLIC_URL,
        "operations": list(operations()),
        "scopes": TITLES.items(),
        "errors": ERRORS,
        "reads": settings.LIMIT_API_READS,
        "writes": settings.LIMIT_API_WRITES,
    }
    return render(request, "api_docs.html", context)


def operations() -> Iterator[Operation]:
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            yield Operation(method.upper(), path, operation["description"].partition("\n")[0])
