"""What every request of a signed-in user leaves behind: that the session is in use."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts import session_services

# Sent by pages that ask on their own; a page that is merely open does not keep its session alive.
POLL_HEADER = "X-Poll"


def activity_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        response = get_response(request)
        if request.user.is_authenticated and POLL_HEADER not in request.headers:
            session_services.follow_session(request=request, key_before=key)
        return response

    return middleware
