"""Errors of the API: one exception, one JSON shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from django.http import HttpRequest, JsonResponse
from ninja import Schema

# Answers below these are JSON, whoever asks and whatever goes wrong.
PREFIXES = ("/api/", "/beta/")


class ErrorDetail(Schema):
    field: str
    message: str


class Error(Schema):
    """``error`` names the status, ``code`` the reason; ``details`` say which fields are wrong, where it is fields."""

    message: str
    error: str
    code: str
    details: list[ErrorDetail] = []


class ApiError(Exception):
    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers or {}


def respond(error: ApiError) -> JsonResponse:
    body: dict[str, object] = {
        "message": error.message,
        "error": HTTPStatus(error.status).phrase,
        "code": error.code,
    }
    if error.details:
        body["details"] = [{"field": field, "message": message} for field, message in error.details]
    return JsonResponse(body, status=error.status, headers={"Cache-Control": "no-store", **error.headers})


def is_for_programs(request: HttpRequest) -> bool:
    return request.path_info.startswith(PREFIXES)
