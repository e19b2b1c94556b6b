"""What every page answer gets: the user's time zone, no-store, and messages on HTMX fragments."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers

GetResponse = Callable[[HttpRequest], HttpResponse]


def page_middleware(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        with timezone.override(ZoneInfo(user.time_zone) if user.is_authenticated else None):
            response = get_response(request)
            if _is_fragment(request, response):
                _append_messages(request, response)
        if user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(response, ["HX-Request"])
        return response

    return middleware


def _is_fragment(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether htmx will swap this answer, so that messages in it are seen."""
    return (
        "HX-Request" in request.headers
        and response.status_code in (200, 422)
        and not response.streaming
        and not {"HX-Redirect", "HX-Refresh", "HX-Location"} & response.headers.keys()
        and response.headers.get("Content-Type", "").startswith("text/html")
    )


def _append_messages(request: HttpRequest, response: HttpResponse) -> None:
    messages = get_messages(request)
    if len(messages):
        toasts = render_to_string("_toasts.html", {"messages": messages})
        response.write(f'<div hx-swap-oob="beforeend:#toasts">{toasts}</div>')
