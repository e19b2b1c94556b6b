"""What every page answer gets: a log-in, the user's time zone, no-store, and messages on HTMX fragments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from csp.constants import HEADER
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.contrib.messages import get_messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.admission import Busy
from accounts.api.errors import ApiError, is_for_programs, respond
from accounts.login.reauthentication import IN_DIALOG
from aistrale import errors
from aistrale.page_queue import REFUSED

GetResponse = Callable[[HttpRequest], HttpResponse]
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
# A form that htmx sends, of which only the errors are swapped in: what follows is another page.
WHOLE_PAGE = "X-Whole-Page"
# They lead to the site's own pages.
ADMIN_FOR_EVERYBODY = {"logout", "password_change"}


class BusyMiddleware:
    """Answers requests that have waited for too long: for a page, before they cost anything, or for anything else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        reason = request.scope.get(REFUSED) if isinstance(request, ASGIRequest) else None
        return errors.busy(request, reason) if reason else self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return errors.busy(request, exception) if isinstance(exception, Busy) else None


def method_middleware(get_response: GetResponse) -> GetResponse:
    """Some views of libraries answer TRACE and the like as they would answer GET."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request) if request.method in METHODS else HttpResponseNotAllowed(METHODS)

    return middleware


def address_middleware(get_response: GetResponse) -> GetResponse:
    """PostgreSQL has no text with U+0000, and not everything that looks up what an address names cares for that.

    Forms say so at the field.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path or "%00" in request.META["QUERY_STRING"]:
            raise BadRequest("There is a U+0000 in the address.")
        return get_response(request)

    return middleware


def health_middleware(get_response: GetResponse) -> GetResponse:
    """Answers health checks and scrapes before a session is looked up, which would need Redis and PostgreSQL.

    Orchestrators and Prometheus ask each process by its own address, which is no name of the site.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/health/") or request.path_info == "/metrics":
            request.COOKIES = {}
            request.META["HTTP_HOST"] = urlsplit(settings.PUBLIC_URL).netloc
        return get_response(request)

    return middleware


def api_middleware(get_response: GetResponse) -> GetResponse:
    """Answers programs at once: no session, log-in or page is in what they ask for, nor any form to be forged."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_for_programs(request):
            return get_response(request)
        match = request.resolver_match = resolve(request.path_info, urlconf="aistrale.api")
        answer: HttpResponse = match.func(request, *match.args, **match.kwargs)
        if answer.status_code == 405:
            headers = {"Allow": answer["Allow"]}
            answer = respond(ApiError(405, "method_not_allowed", "Not with this method.", headers=headers))
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    return middleware


class AnswerHeaders(SecurityMiddleware):
    """Django's headers and the policy: on what its own middleware answers by itself too, to http and foreign hosts.

    django-csp's middleware would build the same policy anew for each answer, and a second one to report only.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self._policy = build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response.headers.setdefault(HEADER, self._policy)
        return super().process_response(request, response)

    def process_request(self, request: HttpRequest) -> None:
        return None


class PageLoginMiddleware(LoginRequiredMiddleware):
    """Comes back to the page the user saw, not to the address of the form or fragment that was asked for.

    Who is logged in but may not use Django admin is refused like elsewhere; the admin itself would ask to log in anew.
    """

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], *arguments: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        is_admin = match is not None and match.app_name == "admin" and match.url_name not in ADMIN_FOR_EVERYBODY
        if is_admin and request.user.is_authenticated and not request.user.is_staff:
            raise PermissionDenied
        return super().process_view(request, view_func, *arguments)

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponseRedirect:
        is_fragment = "HX-Request" in request.headers
        if request.method in ("GET", "HEAD") and not is_fragment:
            return super().handle_no_permission(request, view_func)
        return _answer_with(request, redirect_to_login(_page_of(request)))


class ConfirmationMiddleware:
    """Asks who the user is before a dangerous step, then leads back to the page of that step.

    django-allauth would keep the form in the session and send it itself, secrets and all; here the browser keeps it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, ReauthenticationRequired):
            return None
        is_page = request.method in ("GET", "HEAD") and "HX-Request" not in request.headers
        methods = get_adapter().get_reauthentication_methods(request.user)
        page = methods[0]["url"] if methods else reverse("confirm_by_sso")
        if _is_for_dialog(request) and page == reverse("account_reauthenticate"):
            return redirect_to_login(request.get_full_path(), f"{page}?{IN_DIALOG}=1")
        return _answer_with(request, redirect_to_login(request.get_full_path() if is_page else _page_of(request), page))


def _is_for_dialog(request: HttpRequest) -> bool:
    return request.method == "GET" and request.headers.get("HX-Target") == "dialog-content"


def _page_of(request: HttpRequest) -> str:
    """The page on which the user sent a form or asked for a fragment, as a path of this site."""
    page = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()})
    return urlsplit(page)._replace(scheme="", netloc="").geturl() if is_ours else "/"


def _answer_with(request: HttpRequest, answer: HttpResponseRedirect) -> HttpResponseRedirect:
    """The browser follows a redirect by itself, and htmx would swap in the page it leads to."""
    if "HX-Request" in request.headers:
        answer.status_code = 204
        answer["HX-Redirect"] = answer["Location"]
        del answer["Location"]
    return answer


def page_middleware(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        with timezone.override(ZoneInfo(user.time_zone) if user.is_authenticated else None):
            response = get_response(request)
            if _is_fragment(request, response):
                _append_messages(request, response)
            if isinstance(response, HttpResponseRedirect) and WHOLE_PAGE in request.headers:
                response = _answer_with(request, response)
        # Also of who comes with a key or a one-time link, whom no session tells.
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
