"""Sets the audit context of each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, cast

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from audit.context import Source, bound


class AuditContextMiddleware:
    """Comes after django-structlog's, whose request id it takes. Ignores forwarded headers."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._answer(request)
        with _bound_to(request):
            return cast("HttpResponseBase", self.get_response(request))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        with _bound_to(request):
            return cast("HttpResponseBase", await self.get_response(request))


def _bound_to(request: HttpRequest) -> AbstractContextManager[None]:
    return bound(
        source=Source.WEB,
        address=request.META.get("REMOTE_ADDR") or "",
        user_agent=request.headers.get("User-Agent", ""),
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
    )
