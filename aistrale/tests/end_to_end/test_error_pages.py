"""Each error page in a real browser: at both widths, in both themes, by keyboard, with the request id."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import structlog
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from playwright.sync_api import Page, Route, expect

from aistrale import errors
from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.usability import NARROW, check_usable

REQUEST = RequestFactory().get("/")
REQUEST_ID = "4f1c0a52-8d11-4c5b-9e0f-3a4b5c6d7e8f"


def outage() -> HttpResponse:
    try:
        raise OperationalError
    except OperationalError:
        return errors.server_error(REQUEST)


PAGES: dict[int, Callable[[], HttpResponse]] = {
    400: lambda: errors.bad_request(REQUEST, Exception()),
    403: lambda: errors.csrf_failure(REQUEST),
    404: lambda: errors.not_found(REQUEST, Http404()),
    429: lambda: errors.too_many_requests(REQUEST),
    500: lambda: errors.server_error(REQUEST),
    503: outage,
}


@pytest.mark.parametrize("status", PAGES)
def test_it_is_usable(page: Page, site: Site, status: int) -> None:
    with structlog.contextvars.bound_contextvars(request_id=REQUEST_ID):
        answer = PAGES[status]()
    assert answer.status_code == status

    def fulfill(route: Route) -> None:
        route.fulfill(status=status, body=answer.content.decode(), content_type="text/html")

    page.route("**/it-fails/", fulfill)
    page.set_viewport_size({"width": NARROW, "height": 700})
    page.goto(f"{site.url}/it-fails/")
    check_usable(page)
    expect(page.get_by_text(f"Error {status}")).to_be_visible()
    expect(page.locator("main code")).to_have_text(REQUEST_ID)
    for name in ("Skip to content", "Copy request ID", "Go to the dashboard"):
        page.keyboard.press("Tab")
        expect(page.locator(":focus-visible")).to_have_accessible_name(name)
