"""Error pages: what happened, what to do, and the request id that is in the logs.

They touch neither the session nor the database, so that they still work when one of those is what failed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

import redis.exceptions
import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.actions import AccountsAction
from accounts.admission import OUTAGES, Busy, TurnedAway, turn_away_waiting
from accounts.api.errors import ApiError, is_for_programs, respond
from accounts.login import throttling
from accounts.middleware import TEXT
from accounts.models import User
from audit.services import record_denied

log = structlog.get_logger(__name__)

OUTAGE_RETRY_SECONDS = 5
# Longer than the windows of django-allauth's own limits, of which it does not say which one was reached.
THROTTLE_SECONDS = 300


@dataclass(frozen=True)
class Explanation:
    title: str
    text: str
    next_step: str


EXPLANATIONS = {
    400: Explanation(
        "The request could not be read",
        "The browser sent something this server does not accept.",
        "Go back, reload the page and try again.",
    ),
    403: Explanation(
        "Access denied",
        "You do not have permission for this page or action.",
        "Ask an administrator if you need it.",
    ),
    404: Explanation(
        "Page not found",
        "The page does not exist, was deleted, or belongs to someone else.",
        "Check the address, or go back to the dashboard.",
    ),
    429: Explanation(
        "Too many requests",
        "The rate limit for this address is reached.",
        "Wait a moment, then try again.",
    ),
    500: Explanation(
        "Server error",
        "The error is on the server and has been logged.",
        "Try again. If it happens again, give the request ID to an administrator.",
    ),
    503: Explanation(
        "Service temporarily unavailable",
        "The database or the cache does not respond. You stay logged in.",
        "Reload in a few seconds.",
    ),
}
BUSY_EXPLANATION = Explanation(
    "Server busy",
    "Too many requests are waiting. You stay logged in.",
    "Reload in a few seconds.",
)
CSRF_EXPLANATION = Explanation(
    "This form is no longer valid",
    "It was opened before you logged in or out, or cookies are blocked.",
    "Go back, reload the page and submit the form again.",
)


TOO_LARGE_EXPLANATION = Explanation(
    "The form is too large",
    "A form may have 2.5 MB of text.",
    "Go back and shorten it. Nothing was saved.",
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return _answer(request, 413, TOO_LARGE_EXPLANATION)
    return _answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    _try_to_record(lambda: _record_denial(request))
    return _answer(request, 403)


def _try_to_record(write: Callable[[], None]) -> None:
    """For this alone the database is asked. Should it fail, the request is refused all the same."""
    try:
        write()
    except (Error, *OUTAGES) as error:
        log.error("denial_not_recorded", error=type(error).__name__)


def _record_denial(request: HttpRequest) -> None:
    user = getattr(request, "user", None)
    # The pattern, since the path itself may hold a one-time secret.
    page = request.resolver_match.route if request.resolver_match else ""
    details = {"method": request.method, "page": page}
    record_denied(action=AccountsAction.ACCESS_DENIED, actor=user if isinstance(user, User) else None, details=details)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, 403, CSRF_EXPLANATION)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Recorded like a denial."""
    if match := request.resolver_match:
        _try_to_record(lambda: throttling.record_limit_hit(request, match.route))
    seconds = throttling.throttled_for(request) or THROTTLE_SECONDS
    wait = f"Wait {throttling.humanize_wait(seconds)}, then try again."
    response = _answer(request, 429, replace(EXPLANATIONS[429], next_step=wait))
    response["Retry-After"] = str(seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_outage(sys.exc_info()[1]):
        return _answer(request, 500)
    # They would find the same, one after the other, and wait for it all together.
    turn_away_waiting()
    return _try_later(request)


def busy(request: HttpRequest, reason: Busy) -> HttpResponse:
    return _try_later(request, None if isinstance(reason, TurnedAway) else BUSY_EXPLANATION)


def _try_later(request: HttpRequest, explanation: Explanation | None = None) -> HttpResponse:
    response = _answer(request, 503, explanation)
    response["Retry-After"] = str(OUTAGE_RETRY_SECONDS)
    return response


def _is_outage(error: BaseException | None) -> bool:
    """MISCONF is what Redis answers to each write while its disk is full; redis-py has no class of its own for it."""
    is_full = isinstance(error, redis.exceptions.ResponseError) and str(error).startswith("MISCONF")
    return is_full or isinstance(error, OUTAGES)


def _answer(request: HttpRequest, status: int, explanation: Explanation | None = None) -> HttpResponse:
    explanation = explanation or EXPLANATIONS[status]
    if is_for_programs(request):
        code = HTTPStatus(status).name.lower()
        return respond(ApiError(status, code, f"{explanation.title}. {explanation.text}"))
    if request.headers.get("Authorization", "").lower().startswith("bearer "):
        # A program with an API key, which gets its other refusals as a line as well.
        return HttpResponse(f"{explanation.title}. {explanation.text}\n", TEXT, status)
    context = {
        "status": status,
        "explanation": explanation,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
    }
    if "HX-Request" not in request.headers:
        # Without the request no context processor runs: they would load the session and the user.
        return render(None, "error.html", context, status=status)
    response = render(None, "_error_toast.html", context, status=status)
    response["HX-Retarget"] = "#toasts"
    response["HX-Reswap"] = "beforeend"
    return response
