"""What is somebody else's, changed roles, fields and headers nobody asked for, forged requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings

from accounts.api.errors import PREFIXES
from accounts.models import ApiKey, Membership, Role, Team, User
from accounts.people.invitations import invite
from accounts.profile import api_keys
from accounts.sessions.services import live_sessions
from accounts.sharing import PRIVATE
from aistrale.recent_errors import recent
from aistrale.tests.routes import all_routes, path_of
from aistrale.tests.test_routes import TABLE, Who
from audit.models import AuditEvent
from inference.backtests.models import Backtest, BacktestCall
from inference.backtests.services import Plan, create_backtest
from inference.models import Conversation, Message, StoredFile
from inference.playground.models import Panel, Playground
from inference.playground.services import create_playground
from prompts import example_sets, protection
from prompts import services as prompt_services
from prompts.drafts import Draft
from prompts.models import ExampleSet, LabelProposal, Prompt, PromptVersion, Rollout
from prompts.rollout_rules import Guards
from prompts.rollouts import start_rollout
from telemetry.explorer.models import SavedView
from telemetry.explorer.services import save_view
from telemetry.services import NewCall, start_generation
from tokens import services
from tokens.models import ProviderToken
from webhooks import services as webhook_services
from webhooks.models import Delivery, Webhook

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
SECRET = "sk-canary-7Qw9ZbX3kLmN0pR2"


def a_conversation(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="private")


def a_message(owner: User) -> Message:
    return Message.objects.create(conversation=a_conversation(owner), role="user", text="private")


def a_token(owner: User) -> ProviderToken:
    return services.add_token(owner=owner, actor=owner, provider="openai", label="Main", secret=SECRET)


def a_call(owner: User) -> Any:
    call = NewCall(conversation_id=uuid4(), provider="echo", model="echo", parameters={}, sent=[], process_id=1)
    return start_generation(user=owner, call=call)


def a_view(owner: User) -> SavedView:
    return save_view(owner=owner, name=f"private {uuid4()}", query="?model=private", audience=PRIVATE)


def a_passkey(owner: User) -> Authenticator:
    return Authenticator.objects.create(user=owner, type=Authenticator.Type.WEBAUTHN, data={"name": "key"})


def a_session(owner: User) -> Any:
    Client().force_login(owner)
    return live_sessions(owner)[0]


def an_entry(owner: User) -> AuditEvent:
    a_token(owner)
    return AuditEvent.objects.latest("sequence")


def a_key(owner: User) -> ApiKey:
    return api_keys.create(user=owner, label="script", expires_at=None)[0]


def a_membership(owner: User) -> Membership:
    return Membership.objects.create(team=Team.objects.create(name=f"Team {Team.objects.count()}"), user=owner)


def a_team(owner: User) -> Team:
    return a_membership(owner).team


def a_version(owner: User) -> PromptVersion:
    name = f"triage-{Prompt.objects.count()}"
    return prompt_services.create_prompt(owner=owner, name=name, type="text", draft=Draft("private"))


def an_example_set(owner: User) -> ExampleSet:
    prompt = a_prompt(owner)
    return example_sets.create_example_set(prompt=prompt, name="private", values={}, actor=owner)


def a_prompt(owner: User) -> Prompt:
    return a_version(owner).prompt


def a_rollout(owner: User) -> Rollout:
    first = a_version(owner)
    prompt_services.move_label(prompt=first.prompt, label="production", to=first, actor=owner)
    second = prompt_services.save_version(prompt=first.prompt, draft=Draft("new"), author=owner)
    return start_rollout(prompt=first.prompt, label="production", to=second, percent=10, guards=Guards(50), actor=owner)


def a_proposal(owner: User) -> LabelProposal:
    version = a_version(owner)
    return protection.propose_move(
        prompt=version.prompt, label="live", to=version, proposer=owner, reason="private", seen_at=None
    )


def a_webhook(owner: User) -> Webhook:
    return webhook_services.create_webhook(owner=owner, name="private", url="https://hooks.example.org")[0]


def a_delivery(owner: User) -> Delivery:
    return webhook_services.send_test(webhook=a_webhook(owner), actor=owner)


def a_playground(owner: User) -> Playground:
    return create_playground(owner=owner, title="private", draft=Draft("private"), values={})


def a_file(owner: User) -> StoredFile:
    described = {"name": "map.png", "media_type": "image/png", "size": 4, "tokens": 9}
    digest = f"{StoredFile.objects.count():064x}"
    return StoredFile.objects.create(user=owner, digest=digest, content=b"made", thumbnail=b"made", **described)


def a_panel(owner: User) -> Panel:
    return a_playground(owner).panels.get()


def a_backtest(owner: User) -> Backtest:
    plan = Plan(title="private", call_ids=[a_call(owner).pk], sample=1, budget_usd=Decimal(1))
    return create_backtest(owner=owner, plan=plan)


def a_backtest_call(owner: User) -> BacktestCall:
    return a_backtest(owner).calls.get()


def ids_of(made: Any) -> tuple[object, ...]:
    if isinstance(made, PromptVersion):
        return made.prompt_id, made.number
    if isinstance(made, StoredFile):
        return (made.digest,)
    if isinstance(made, Panel):
        return made.playground_id, made.pk
    if isinstance(made, BacktestCall):
        return made.backtest_id, made.pk
    if isinstance(made, Rollout | ExampleSet):
        return made.prompt_id, made.pk
    return (made.team.pk, made.user.pk) if isinstance(made, Membership) else (made.pk,)


OBJECTS: Mapping[str, Callable[[User], Any]] = {
    "account/security/passkeys/<int:pk>/remove/": a_passkey,
    "account/security/passkeys/<int:pk>/rename/": a_passkey,
    "account/sessions/<int:pk>/end/": a_session,
    "account/api-keys/<int:pk>/revoke/": a_key,
    "account/teams/<uuid:pk>/": a_team,
    "account/teams/<uuid:pk>/members/<int:user_pk>/remove/": a_membership,
    "chat/messages/<int:pk>/source/": a_message,
    "chat/files/<str:digest>/": a_file,
    "chat/files/<str:digest>/view/": a_file,
    "chat/files/<str:digest>/download/": a_file,
    "chat/files/<str:digest>/thumbnail/": a_file,
    "chat/prompts/<uuid:pk>/": a_prompt,
    "chat/<uuid:pk>/": a_conversation,
    "chat/<uuid:pk>/rename/": a_conversation,
    "chat/<uuid:pk>/pin/": a_conversation,
    "chat/<uuid:pk>/archive/": a_conversation,
    "chat/<uuid:pk>/delete/": a_conversation,
    "chat/<uuid:pk>/share/": a_conversation,
    "chat/<uuid:pk>/copy/": a_conversation,
    "playground/<uuid:pk>/": a_playground,
    "playground/<uuid:pk>/rename/": a_playground,
    "playground/<uuid:pk>/share/": a_playground,
    "playground/<uuid:pk>/delete/": a_playground,
    "playground/<uuid:pk>/values/": a_playground,
    "playground/<uuid:pk>/panels/add/": a_playground,
    "playground/<uuid:pk>/example-set/": a_playground,
    "playground/<uuid:pk>/values/<int:set_pk>/fill/": a_panel,
    "playground/<uuid:pk>/panels/<int:panel_pk>/": a_panel,
    "playground/<uuid:pk>/panels/<int:panel_pk>/code/": a_panel,
    "playground/<uuid:pk>/panels/<int:panel_pk>/remove/": a_panel,
    "backtests/<uuid:pk>/": a_backtest,
    "backtests/<uuid:pk>/start/": a_backtest,
    "backtests/<uuid:pk>/pause/": a_backtest,
    "backtests/<uuid:pk>/cancel/": a_backtest,
    "backtests/<uuid:pk>/share/": a_backtest,
    "backtests/<uuid:pk>/delete/": a_backtest,
    "backtests/<uuid:pk>/compare/": a_backtest,
    "backtests/<uuid:pk>/export.csv": a_backtest,
    "backtests/<uuid:pk>/export.jsonl": a_backtest,
    "backtests/<uuid:pk>/calls/<int:row_pk>/again/": a_backtest_call,
    "prompts/<uuid:pk>/examples/add/": a_prompt,
    "prompts/<uuid:pk>/examples/<int:number>/": an_example_set,
    "prompts/<uuid:pk>/examples/<int:number>/delete/": an_example_set,
    "prompts/<uuid:pk>/export.md": a_prompt,
    "prompts/<uuid:pk>/export.json": a_prompt,
    "prompts/<uuid:pk>/": a_prompt,
    "prompts/<uuid:pk>/edit/": a_prompt,
    "prompts/<uuid:pk>/compare/": a_prompt,
    "prompts/<uuid:pk>/labels/": a_prompt,
    "prompts/<uuid:pk>/labels/move/": a_prompt,
    "prompts/<uuid:pk>/rollouts/add/": a_prompt,
    "prompts/<uuid:pk>/rollouts/<int:number>/end/": a_rollout,
    "prompts/proposals/<uuid:pk>/": a_proposal,
    "prompts/proposals/<uuid:pk>/decide/": a_proposal,
    "prompts/<uuid:pk>/details/": a_prompt,
    "prompts/<uuid:pk>/share/": a_prompt,
    "prompts/<uuid:pk>/archive/": a_prompt,
    "prompts/<uuid:pk>/delete/": a_prompt,
    "prompts/<uuid:pk>/versions/<int:number>/delete/": a_version,
    "prompts/webhooks/<uuid:pk>/": a_webhook,
    "prompts/webhooks/<uuid:pk>/edit/": a_webhook,
    "prompts/webhooks/<uuid:pk>/secret/": a_webhook,
    "prompts/webhooks/<uuid:pk>/test/": a_webhook,
    "prompts/webhooks/<uuid:pk>/delete/": a_webhook,
    "prompts/webhooks/deliveries/<uuid:pk>/send-again/": a_delivery,
    "tokens/<uuid:token_id>/edit/": a_token,
    "tokens/<uuid:token_id>/replace/": a_token,
    "tokens/<uuid:token_id>/check/": a_token,
    "tokens/<uuid:token_id>/default/": a_token,
    "tokens/<uuid:token_id>/delete/": a_token,
    "telemetry/views/<uuid:pk>/rename/": a_view,
    "telemetry/views/<uuid:pk>/share/": a_view,
    "telemetry/views/<uuid:pk>/delete/": a_view,
    "telemetry/<uuid:pk>/": a_call,
    "telemetry/<uuid:pk>/rate/": a_call,
    "audit/<int:sequence>/": an_entry,
}
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
        private, missing = path_of(route, *ids_of(make(alice))), path_of(route)
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
        "/telemetry/",
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
    made = (
        a_token(alice),
        a_call(alice),
        a_prompt(alice),
        a_webhook(alice),
        a_playground(alice),
        a_backtest(alice),
        a_view(alice),
    )
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
                client.get(path_of(route, *(ids_of(owned[route]) if route in owned else ())))
    assert _state() == before


def _state() -> list[Any]:
    return [
        list(User.objects.order_by("pk").values("pk", "email", "role", "is_active", "password", "theme")),
        list(ProviderToken.objects.order_by("pk").values("pk", "owner", "label", "is_default", "secret")),
        list(Conversation.objects.order_by("pk").values()),
        list(Message.objects.order_by("pk").values()),
    ]
