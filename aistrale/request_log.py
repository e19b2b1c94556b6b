"""What a request leaves in the log, and the id by which its answer can be found there."""

from __future__ import annotations

from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject, empty
from django_structlog import signals

HEADER = "X-Request-ID"


def connect() -> None:
    signals.bind_extra_request_metadata.connect(_bind_address)
    # One of the two ends every request.
    signals.bind_extra_request_finished_metadata.connect(_bind_user)
    signals.bind_extra_request_failed_metadata.connect(_bind_user)
    signals.bind_extra_request_finished_metadata.connect(_name_response)
    signals.update_failure_response.connect(_name_response)


def _bind_address(request: HttpRequest, **_: Any) -> None:
    structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR") or "")


def _bind_user(request: HttpRequest, **_: Any) -> None:
    user = getattr(request, "user", None)
    is_known = not (isinstance(user, LazyObject) and user._wrapped is empty)
    structlog.contextvars.bind_contextvars(user_id=user.pk if user is not None and is_known else None)


def _name_response(response: HttpResponseBase, **_: Any) -> None:
    response[HEADER] = structlog.contextvars.get_contextvars()["request_id"]
