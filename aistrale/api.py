"""The API for programs: what each app adds, under one description and with one shape of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe
from ninja import NinjaAPI, Router, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser

from accounts.api.auth import AUTH, unauthorized
from accounts.api.errors import ApiError, Error, respond
from inference.search import api as search_api
from prompts.api import litellm, operations

VERSION = "1"
# Deeper than any JSON that means something, less than what recursion takes.
MOST_LEVELS = 100


class BoundedParser(Parser):
    """JSON that is neither too long nor too deep, and that PostgreSQL can store."""

    def parse_body(self, request: HttpRequest) -> Any:
        if len(request.body) > settings.API_MAX_BODY_BYTES:
            raise too_large()
        value = orjson.loads(request.body)
        check_storable(value)
        return value


def too_large() -> ApiError:
    return ApiError(413, "body_too_large", f"A body may have at most {settings.API_MAX_BODY_BYTES:,} bytes.")


def check_storable(value: Any, *, levels: int = MOST_LEVELS) -> None:
    """Raises ApiError (422)."""
    if levels == 0:
        raise ApiError(422, "too_deep", f"JSON may be at most {MOST_LEVELS} levels deep.")
    if isinstance(value, str) and "\0" in value:
        raise ApiError(422, "nul_character", "A text in the body contains a NUL character.")
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_storable(key, levels=levels)
            check_storable(item, levels=levels - 1)
    elif isinstance(value, list):
        for item in value:
            check_storable(item, levels=levels - 1)


api = NinjaAPI(
    title="AISTRALE",
    version=VERSION,
    description="Prompts for applications. Clients of Langfuse's prompt API work with it as they are.",
    openapi_url="/api/openapi.json",
    docs_url=None,
    docs_decorator=require_safe,
    urls_namespace="api",
    servers=[{"url": settings.PUBLIC_URL}],
    parser=BoundedParser(),
)
public = Router(tags=["Server"])


class Health(Schema):
    status: str
    version: str


class Organization(Schema):
    id: str
    name: str


class Project(Schema):
    id: str
    name: str
    organization: Organization
    metadata: dict[str, Any] = {}


class Projects(Schema):
    data: list[Project]


@public.get("/health", response=Health)
def health(request: HttpRequest) -> dict[str, str]:
    """Whether the server answers. Needs no key."""
    return {"status": "OK", "version": VERSION}


@public.get("/projects", response={200: Projects, 401: Error, 429: Error}, auth=AUTH)
def projects(request: HttpRequest) -> dict[str, Any]:
    """There is one. Clients of Langfuse ask for it to see whether their key is valid."""
    organization = {"id": "aistrale", "name": "AISTRALE"}
    return {"data": [{"id": "aistrale", "name": "AISTRALE", "organization": organization}]}


api.add_router("/api/public", public)
api.add_router("/api/public", operations.router)
api.add_router("/beta", litellm.router)
api.add_router("/api", search_api.router)

# Also looked up by themselves: those of all pages take several times as long.
urlpatterns = [path("", api.urls)]


@api.exception_handler(ApiError)
def on_api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    return respond(error)


@api.exception_handler(AuthenticationError)
def on_missing_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return respond(unauthorized())


@api.exception_handler(HttpError)
def on_unreadable_body(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Also of what the parser has refused for another reason."""
    cause = error.__cause__
    return respond(cause if isinstance(cause, ApiError) else ApiError(400, "invalid_json", "The body is not JSON."))


@api.exception_handler(RequestDataTooBig)
def on_large_body(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return respond(too_large())


@api.exception_handler(ValidationError)
def on_invalid_fields(request: HttpRequest, error: ValidationError) -> HttpResponse:
    details = [(_field_of(wrong["loc"]), str(wrong["msg"])) for wrong in error.errors]
    field, message = details[0]
    return respond(ApiError(422, "invalid_request", f"{field}: {message}", details=details))


def _field_of(location: tuple[str | int, ...]) -> str:
    """As a program has named it: in a body, the name of our own argument comes before."""
    place, *names = location
    return ".".join(map(str, names[1:] if place == "body" else names)) or str(place)
