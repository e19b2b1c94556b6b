"""Source, address, user agent and id of the current request, socket or command, for every audit entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

import structlog
from django.http import HttpRequest, HttpResponse


class Source(StrEnum):
    WEB = "web"
    SOCKET = "socket"
    COMMAND = "command"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class AuditContext:
    source: Source = Source.SYSTEM
    address: str = ""
    user_agent: str = ""
    request_id: str = ""


_NOTHING_KNOWN = AuditContext()
_context: ContextVar[AuditContext] = ContextVar("audit_context", default=_NOTHING_KNOWN)


def current() -> AuditContext:
    return _context.get()


def bind(*, source: Source, address: str = "", user_agent: str = "", request_id: str = "") -> None:
    """Binds until the present task or thread ends: for a socket as it connects and a command as it starts."""
    _context.set(AuditContext(source, address, user_agent, request_id))


@contextmanager
def bound(*, source: Source, address: str = "", user_agent: str = "", request_id: str = "") -> Iterator[None]:
    token = _context.set(AuditContext(source, address, user_agent, request_id))
    try:
        yield
    finally:
        _context.reset(token)


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
