"""What is somebody else's, changed roles, fields and headers nobody asked for, forged requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.api.errors import PREFIXES
from accounts.models import ApiKey, Role, User
from accounts.people.invitations import invite
from accounts.tests.access import a_passkey
from aistrale.recent_errors import recent
from aistrale.tests.expectations import OBJECTS, TABLE, Who, ids_in
from aistrale.tests.routes import all_routes, path_of
from audit.models import AuditEvent
from inference.backtests.tests.access import a_backtest
from inference.models import Conversation, Message
from inference.playground.tests.access import a_playground
from inference.tests.access import a_conversation
from prompts.tests.access import a_prompt
from telemetry.tests.access import a_call, a_view
from tokens.models import ProviderToken
from tokens.tests.access import SECRET, a_token
from webhooks.tests.access import a_webhook

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


# What differs between any two answers to the same request.
_VARYING = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"')
Ask = Callable[[Client, str], Any]
WAYS: Mapping[str, Ask] = {
    "page": lambda client, path: client.get(path),
    "fragment": lambda client, path: client.get(path, headers={"HX-Request": "true", "HX-Target": "messages"}),
    "list": lambda client, path: client.get(path, headers={"HX-Request": "true", "HX-Target": "conversation-list"}),
    "form": lambda client, path: client.post(path, {"title": "mine", "name": "Main", "secret": SECRET}),
    "fragment by form": lambda client, path: client.post(path, {"on": "1"}, headers={"HX-Request": "true"}),
}


def test_every_route_with_an_object_is_known() -> None:
    with_object = {route for route in all_routes() if "<" in route and TABLE[route] is Who.PEOPLE}
    assert with_object == OBJECTS.keys()


@pytest.mark.parametrize("way", WAYS)
def test_anothers_object_answers_exactly_as_a_missing_one(
    way: str, alice: User, charlie: User, confirmed_client_of: ClientOf
) -> None:
    stranger = confirmed_client_of(charlie)
    different = []
    for route, make in OBJECTS.items():
        private, missing = path_of(route, *ids_in(route, make(alice))), path_of(route)
        answers = [_comparable(WAYS[way](stranger, path), path) for path in (private, missing)]
        if answers[0] != answers[1] or answers[0][0] not in (404, 405):
            different.append((route, answers[0][0], answers[1][0]))
    assert different == []


def _comparable(response: Any, path: str) -> tuple[int, str, dict[str, str]]:
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    body = response.content.decode().replace(path, "").replace(response.headers["X-Request-ID"], "")
    return response.status_code, _VARYING.sub("", body), headers


@pytest.mark.parametrize(
    "path",
    [
        "/audit/",
        "/search/",
        "/search/topics/",
        "/telemetry/",
        "/telemetry/costs/",
        "/telemetry/prices/",
        "/tokens/",
        "/chat/",
        "/playground/",
        "/backtests/",
        "/prompts/",
        "/prompts/webhooks/",
        "/",
    ],
)
def test_lists_leave_out_what_is_anothers(path: str, alice: User, charlie: User, client_of: ClientOf) -> None:
    made = [make(alice) for make in (a_token, a_call, a_prompt, a_webhook, a_playground, a_backtest, a_view)]
    content = client_of(charlie).get(path).content.decode()
    assert not [private for private in (*(str(each.pk) for each in made), alice.email) if private in content]


def test_a_role_changes_what_the_next_request_may(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    statuses = []
    for role in (Role.ENGINEER, Role.ADMINISTRATOR, Role.ENGINEER):
        _give_role(alice, role)
        statuses.append(client.get("/tokens/keys/").status_code)
    assert statuses == [403, 200, 403]


def _give_role(user: User, role: Role) -> None:
    """Where there is another administrator, else the last one could not go."""
    User.objects.get_or_create(email="other@example.org", defaults={"role": Role.ADMINISTRATOR})
    User.objects.filter(pk=user.pk).update(role=role)


FORMS: Mapping[str, Mapping[str, str]] = {
    "/account/theme/": {"theme": "dark"},
    "/account/profile/": {"name": "New", "time_zone": "UTC", "theme": "dark"},
    "/account/checklist/": {},
    "/tokens/add/": {"provider": "openai", "label": "Mine", "secret": SECRET},
    "/account/sessions/end-others/": {},
}
UNASKED = {
    "id": "1",
    "pk": "1",
    "user": "1",
    "owner": "1",
    "role": "administrator",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "",
    "email": "other@example.org",
    "team": "1",
    "visibility": "everyone",
    "shared": "on",
    "base_url": "https://evil.example",
}


@pytest.mark.usefixtures("fake_checker")
def test_fields_that_nobody_asked_for_change_nothing(alice: User, bob: User, client_of: ClientOf) -> None:
    conversation = a_conversation(alice)
    known = User.objects.filter(pk=alice.pk).values("id", "email", "role", "is_active", "audit_id")
    before, client = list(known), client_of(alice)
    forms = {**FORMS, f"/chat/{conversation.pk}/rename/": {"title": "new"}}
    for path, fields in forms.items():
        client.post(path, {**UNASKED, "owner": str(bob.pk), **fields})
    token = ProviderToken.objects.get(label="Mine")
    assert list(known) == before and User.objects.get(pk=alice.pk).name == "New"
    assert Conversation.objects.get().owner == alice and Conversation.objects.get().title == "new"
    assert (token.owner, token.base_url, token.visibility) == (alice, "", "private")


def test_who_is_invited_chooses_neither_role_nor_address(admin: User) -> None:
    link = invite(email="dora@example.org", role=Role.ENGINEER, actor=admin).link
    password = "a long phrase of dora"
    fields = {"name": "Dora", "password": password, "repeated": password}
    assert Client().post(urlsplit(link).path, {**UNASKED, **fields}).status_code == 302
    dora = User.objects.get(name="Dora")
    assert (dora.email, dora.role, dora.is_active) == ("dora@example.org", "engineer", True)


def test_a_key_that_is_made_is_ones_own(alice: User, bob: User, confirmed_client_of: ClientOf) -> None:
    fields = {
        "label": "Nightly",
        "scopes": "audit:read",
        "user": str(bob.pk),
        "user_id": str(bob.pk),
        "digest": "x",
        "prefix": "x",
    }
    assert confirmed_client_of(alice).post("/account/api-keys/add/", fields).status_code == 200
    assert ApiKey.objects.get().user == alice and len(ApiKey.objects.get().digest) == 64


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP"])
def test_no_header_says_where_a_request_comes_from(header: str, alice: User) -> None:
    Client(REMOTE_ADDR="192.0.2.7").post(
        "/login/", {"login": alice.email, "password": "wrong"}, headers={header: "for=203.0.113.9, 203.0.113.9"}
    )
    assert AuditEvent.objects.select_related("details").get().details.personal["address"] == "192.0.2.7"


def test_no_header_gets_past_the_throttling(alice: User) -> None:
    wrong = {"login": alice.email, "password": "wrong"}
    headers = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(11)]
    assert [Client().post("/login/", wrong, headers=one).status_code for one in headers] == [200] * 10 + [429]


def test_no_header_says_under_which_name_or_how_safely_one_is_reached(client: Client) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"}
    request = client.get("/login/", headers=headers).wsgi_request
    assert (request.get_host(), request.scheme) == ("testserver", "http")


def test_a_foreign_host_is_refused(client: Client) -> None:
    """And pushes nothing out of the errors that administrators are shown."""
    before = recent()
    assert client.get("/login/", headers={"Host": "evil.example"}).status_code == 400
    assert recent() == before


@pytest.mark.slow
def test_every_unsafe_request_needs_a_token_of_this_site(alice: User, admin: User) -> None:
    unprotected = []
    for user, htmx in ((alice, {}), (admin, {"HX-Request": "true"})):
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        for route in TABLE:
            for method in ("post", "put", "patch", "delete"):
                response = getattr(client, method)(path_of(route), headers=htmx)
                # Programs need a key, to which a session adds nothing.
                if response.status_code not in (401 if path_of(route).startswith(PREFIXES) else 403, 405):
                    unprotected.append((route, method, response.status_code))
    assert unprotected == []


def test_a_token_in_a_header_is_enough_for_htmx(alice: User, settings: Settings) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.get("/")
    token = client.cookies[settings.CSRF_COOKIE_NAME].value
    answers = [
        client.post("/account/theme/", {"theme": "dark"}, headers={"HX-Request": "true", "X-CSRFToken": value})
        for value in (token, token[::-1])
    ]
    assert [answer.status_code for answer in answers] == [204, 403]


def test_a_foreign_origin_is_refused_with_a_right_token(alice: User, settings: Settings) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.get("/")
    headers = {"X-CSRFToken": client.cookies[settings.CSRF_COOKIE_NAME].value, "Origin": "https://evil.example"}
    assert client.post("/account/theme/", {"theme": "dark"}, headers=headers).status_code == 403


@pytest.mark.slow
def test_nothing_changes_by_get(alice: User, admin: User, client_of: ClientOf) -> None:
    owned = {route: make(alice) for route, make in OBJECTS.items() if make is not a_passkey}
    before = _state()
    for user in (alice, admin):
        client = client_of(user)
        for route in TABLE:
            if "logout" not in route and "export" not in route:
                client.get(path_of(route, *(ids_in(route, owned[route]) if route in owned else ())))
    assert _state() == before


def _state() -> list[Any]:
    return [
        list(User.objects.order_by("pk").values("pk", "email", "role", "is_active", "password", "theme")),
        list(ProviderToken.objects.order_by("pk").values("pk", "owner", "label", "is_default", "secret")),
        list(Conversation.objects.order_by("pk").values()),
        list(Message.objects.order_by("pk").values()),
    ]
