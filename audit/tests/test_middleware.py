import asyncio

import structlog
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from audit.context import AuditContext, Source, audit_context_middleware, current

seen: list[AuditContext] = []


def view(request: HttpRequest) -> HttpResponse:
    seen.append(current())
    return HttpResponse()


async def async_view(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return view(request)


def request() -> HttpRequest:
    return RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", headers={"user-agent": "Firefox", "x-forwarded-for": "9"})


expected = AuditContext(Source.WEB, "192.0.2.1", "Firefox", "r-1")


def test_it_binds_what_a_request_says_of_itself() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        audit_context_middleware(view)(request())
    assert seen[-1] == expected


def test_it_binds_in_async_views_too() -> None:
    middleware = audit_context_middleware(async_to_sync(async_view))
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        middleware(request())
    assert seen[-1] == expected


def test_it_leaves_nothing_bound_behind() -> None:
    before = current()
    audit_context_middleware(view)(request())
    assert current() == before != seen[-1]
