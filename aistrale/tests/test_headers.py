"""What every answer says to the browser, however it came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Role, User
from accounts.people.invitations import invite
from accounts.people.services import password_link
from accounts.profile.api_keys import create
from aistrale.tests.expectations import TABLE
from aistrale.tests.routes import path_of
from inference.backtests.tests.access import a_backtest
from prompts.drafts import Draft
from prompts.services import create_prompt

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
SAID = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
OTHERS = ["/nothing/", "/static/css/house.css", "/static/nothing.css", "/static/vendor/lucide/icons.svg"]


def faults(response: Any) -> list[str]:
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    wrong = [f"{name}: {policy.get(name)}" for name, value in POLICY.items() if policy.get(name) != value]
    wrong += [name for name in policy if name not in POLICY]
    return wrong + [name for name, value in SAID.items() if response.headers.get(name) != value]


def all_answers(client: Client) -> Mapping[str, Any]:
    """Of every route, of files, and of what does not exist, by GET and by an unsafe method."""
    client.raise_request_exception = False
    paths = [path_of(route) for route in TABLE if "logout" not in route] + OTHERS
    answers = {f"{ask.__name__} {path}": ask(path) for path in paths for ask in (client.get, client.post)}
    for response in answers.values():
        response.close()
    return answers


def test_every_answer_to_a_visitor_has_the_headers(client: Client) -> None:
    answers = all_answers(client)
    assert {request: faults(response) for request, response in answers.items() if faults(response)} == {}


@pytest.mark.slow
def test_every_answer_to_who_is_logged_in_has_the_headers_and_is_not_stored(admin: User, client_of: ClientOf) -> None:
    answers = all_answers(client_of(admin))
    assert {request: faults(response) for request, response in answers.items() if faults(response)} == {}
    assert {200, 302, 404, 405} <= {response.status_code for response in answers.values()}
    pages = {request: response for request, response in answers.items() if "/static/" not in request}
    assert [request for request, response in pages.items() if "no-store" not in response.get("Cache-Control", "")] == []


def test_a_year_of_https_where_there_is_https(client: Client, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    assert Client().get("/login/", secure=True).headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("host", ["testserver", "evil.example"])
def test_what_is_refused_or_sent_on_to_https_has_the_headers_too(host: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = Client(raise_request_exception=False).get("/login/", headers={"Host": host})
    assert response.status_code == (301 if host == "testserver" else 400)
    assert faults(response) == []


def test_what_a_key_or_a_link_lets_see_is_not_stored_either(alice: User, admin: User) -> None:
    key = create(user=alice, label="Nightly", expires_at=None)[1]
    invitation = invite(email="dora@example.org", role=Role.ENGINEER, actor=admin).link
    new_password = password_link(user=alice, actor=None)
    answers = [Client().get("/audit/export.jsonl", headers={"Authorization": f"Bearer {key}"})]
    answers += [Client().get(urlsplit(link).path, follow=True) for link in (invitation, new_password)]
    said = [(response.status_code, "no-store" in response.headers["Cache-Control"]) for response in answers]
    assert said == [(200, True)] * 3


def test_downloads_are_attachments(alice: User, admin: User, confirmed_client_of: ClientOf) -> None:
    prompt = create_prompt(owner=admin, name="triage", type="text", draft=Draft("Sort it")).prompt
    objects = {"prompts": prompt.pk, "backtests": a_backtest(admin).pk}
    # The page of a conversation's export asks for the format first: see inference/tests/test_export.py.
    routes = [route for route in TABLE if "export" in route and not route.startswith("chat/")]
    paths = [path_of(route, objects.get(route.partition("/")[0], alice.pk)) for route in routes]
    answers = [confirmed_client_of(admin).get(path) for path in paths]
    assert {response.status_code for response in answers} == {200}
    assert all(response.headers["Content-Disposition"].startswith("attachment; filename=") for response in answers)


def test_htmx_neither_evaluates_nor_keeps_nor_leaves_the_site(client: Client) -> None:
    page = client.get("/login/").content.decode()
    for option in ("selfRequestsOnly", "allowEval", "allowScriptTags", "historyCacheSize"):
        assert f'"{option}": {"true" if option == "selfRequestsOnly" else "0" if "Size" in option else "false"}' in page


TARGETS = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "/%0d%0aLocation: https://evil.example",
    "\thttps://evil.example",
    "https://testserver@evil.example/",
    "http://testserver.evil.example/",
]


@pytest.mark.parametrize("target", TARGETS)
def test_no_redirect_leaves_the_site(target: str, alice: User, client_of: ClientOf) -> None:
    client, htmx = client_of(alice), {"HX-Request": "true", "HX-Current-URL": target, "Referer": target}
    answers = [
        client.get("/login/", {"next": target}),
        client.get("/account/confirm/", {"next": target}),
        client.post("/account/confirm/", {"password": "correct horse battery staple", "next": target}),
        client.post("/account/theme/", {"theme": "dark", "next": target}, headers={"Referer": target}),
        client.get("/admin/login/", {"next": target}),
        Client().post("/login/?next=" + target, {"login": alice.email, "password": "correct horse battery staple"}),
        Client().post("/tokens/add/", headers={"Referer": target}),
        Client().post("/tokens/add/", headers=htmx),
        client.post("/tokens/keys/rotate/", headers=htmx),
    ]
    places = [answer.headers.get("Location") or answer.headers.get("HX-Redirect") or "/" for answer in answers]
    assert [place for place in places if not place.startswith("/") or place.startswith(("//", "/\\"))] == []


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND"])
def test_no_other_method_is_answered(method: str, client: Client, alice: User) -> None:
    client.force_login(alice)
    client.raise_request_exception = False
    answers = {path_of(route): client.generic(method, path_of(route)).status_code for route in TABLE}
    assert {path: status for path, status in answers.items() if status not in (302, 403, 404, 405, 410)} == {}


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config",
        "/.env",
        "/static/",
        "/static/../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/css/",
        "/var/",
        "/manage.py",
    ],
)
def test_neither_listings_nor_files_of_the_installation_are_served(path: str, client: Client) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_says_nothing_but_whether(path: str, client: Client) -> None:
    response = client.get(path)
    assert response.content == b"ok" and "Set-Cookie" not in response.headers


def test_the_cache_needs_a_password_and_holds_no_pickles(settings: Settings) -> None:
    assert settings.CACHES["default"]["OPTIONS"]["SERIALIZER"] == "django_redis.serializers.json.JSONSerializer"
    assert ":@" not in settings.REDIS_URL and "@" in settings.REDIS_URL
