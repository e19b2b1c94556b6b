"""Sets the audit context of each request."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from audit.context import Source, bound


def audit_context_middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Comes after django-structlog's, whose request id it takes. Ignores forwarded headers."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with bound(
            source=Source.WEB,
            address=request.META.get("REMOTE_ADDR") or "",
            user_agent=request.headers.get("User-Agent", ""),
            request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        ):
            return get_response(request)

    return middleware
