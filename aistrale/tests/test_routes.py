"""Who gets what of every route. A route that is in none of these tables fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from aistrale.tests.routes import all_routes, path_of
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
LOG_IN, REFUSED, LET_IN = "log in", "refused", "let in"


class Who(Enum):
    """What a visitor, an engineer and an administrator get."""

    EVERYONE = (LET_IN, LET_IN, LET_IN)
    PEOPLE = (LOG_IN, LET_IN, LET_IN)
    ADMINISTRATORS = (LOG_IN, REFUSED, LET_IN)
    # What Django admin would offer, but not of this model.
    NOBODY = (LOG_IN, REFUSED, REFUSED)


def admin_model(model: str, *, add: Who = Who.NOBODY, delete: Who = Who.NOBODY) -> dict[str, Who]:
    pages = {"": Who.ADMINISTRATORS, "add/": add, "<path:object_id>/delete/": delete}
    pages |= dict.fromkeys(
        ("<path:object_id>/", "<path:object_id>/change/", "<path:object_id>/history/"), Who.ADMINISTRATORS
    )
    return {f"admin/{model}/{page}": who for page, who in pages.items()}


TABLE: Mapping[str, Who] = {
    "": Who.PEOPLE,
    # Entrances. Those of a second step lead back to the first whoever has not taken it.
    "login/": Who.EVERYONE,
    "login/code/": Who.PEOPLE,
    "login/passkey/": Who.PEOPLE,
    "login/<str:provider_id>/": Who.EVERYONE,
    "login/<str:provider_id>/callback/": Who.EVERYONE,
    "logout/": Who.PEOPLE,
    "password/reset/": Who.EVERYONE,
    "password/reset/sent/": Who.EVERYONE,
    "password/reset/done/": Who.EVERYONE,
    "^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": Who.EVERYONE,
    "account/setup/<str:token>/": Who.EVERYONE,
    "invitation/<str:token>/": Who.EVERYONE,
    "health/live": Who.EVERYONE,
    "health/ready": Who.EVERYONE,
    "system/": Who.ADMINISTRATORS,
    "system/jobs/<int:job_id>/run-again/": Who.ADMINISTRATORS,
    "metrics": Who.EVERYONE,  # by a token of its own
    # One's own account
    "password/": Who.PEOPLE,
    "account/confirm/": Who.PEOPLE,
    "account/confirm/code/": Who.PEOPLE,
    "account/confirm/passkey/": Who.PEOPLE,
    "account/confirm/sso/": Who.PEOPLE,
    "account/security/": Who.PEOPLE,
    "account/security/totp/": Who.PEOPLE,
    "account/security/totp/remove/": Who.PEOPLE,
    "account/security/recovery-codes/": Who.PEOPLE,
    "account/security/recovery-codes/new/": Who.PEOPLE,
    "account/security/passkeys/": Who.PEOPLE,
    "account/security/passkeys/add/": Who.PEOPLE,
    "account/security/passkeys/<int:pk>/remove/": Who.PEOPLE,
    "account/security/passkeys/<int:pk>/rename/": Who.PEOPLE,
    "account/checklist/": Who.PEOPLE,
    "account/theme/": Who.PEOPLE,
    "account/sso/": Who.PEOPLE,
    "account/sessions/": Who.PEOPLE,
    "account/sessions/end-others/": Who.PEOPLE,
    "account/sessions/<int:pk>/end/": Who.PEOPLE,
    "account/profile/": Who.PEOPLE,
    "account/api-keys/add/": Who.PEOPLE,
    "account/api-keys/<int:pk>/revoke/": Who.PEOPLE,
    "account/data/": Who.PEOPLE,
    "account/data/export.jsonl": Who.PEOPLE,
    "account/erase/": Who.PEOPLE,
    "account/teams/": Who.PEOPLE,
    "account/teams/add/": Who.ADMINISTRATORS,
    "account/teams/<uuid:pk>/": Who.PEOPLE,
    "account/teams/<uuid:pk>/rename/": Who.ADMINISTRATORS,
    "account/teams/<uuid:pk>/delete/": Who.ADMINISTRATORS,
    "account/teams/<uuid:pk>/members/add/": Who.ADMINISTRATORS,
    "account/teams/<uuid:pk>/members/<int:user_pk>/remove/": Who.PEOPLE,
    "people/": Who.ADMINISTRATORS,
    "people/invite/": Who.ADMINISTRATORS,
    "people/invitations/<int:pk>/revoke/": Who.ADMINISTRATORS,
    "people/<int:pk>/": Who.ADMINISTRATORS,
    "people/<int:pk>/role/": Who.ADMINISTRATORS,
    "people/<int:pk>/deactivate/": Who.ADMINISTRATORS,
    "people/<int:pk>/reactivate/": Who.ADMINISTRATORS,
    "people/<int:pk>/end-sessions/": Who.ADMINISTRATORS,
    "people/<int:pk>/data/": Who.ADMINISTRATORS,
    "people/<int:pk>/data/export.jsonl": Who.ADMINISTRATORS,
    "people/<int:pk>/erase/": Who.ADMINISTRATORS,
    "chat/": Who.PEOPLE,
    "chat/models/": Who.PEOPLE,
    "chat/parameters/": Who.PEOPLE,
    "chat/prompts/": Who.PEOPLE,
    "chat/prompts/<uuid:pk>/": Who.PEOPLE,
    "chat/files/": Who.PEOPLE,
    "chat/files/<str:digest>/": Who.PEOPLE,
    "chat/files/<str:digest>/download/": Who.PEOPLE,
    "chat/files/<str:digest>/thumbnail/": Who.PEOPLE,
    "chat/files/<str:digest>/view/": Who.PEOPLE,
    "chat/messages/<int:pk>/source/": Who.PEOPLE,
    "chat/<uuid:pk>/": Who.PEOPLE,
    "chat/<uuid:pk>/rename/": Who.PEOPLE,
    "chat/<uuid:pk>/pin/": Who.PEOPLE,
    "chat/<uuid:pk>/archive/": Who.PEOPLE,
    "chat/<uuid:pk>/delete/": Who.PEOPLE,
    "chat/<uuid:pk>/export/": Who.PEOPLE,
    "chat/<uuid:pk>/restore/": Who.PEOPLE,
    "chat/<uuid:pk>/share/": Who.PEOPLE,
    "chat/<uuid:pk>/copy/": Who.PEOPLE,
    "playground/": Who.PEOPLE,
    "playground/add/": Who.PEOPLE,
    "playground/<uuid:pk>/": Who.PEOPLE,
    "playground/<uuid:pk>/rename/": Who.PEOPLE,
    "playground/<uuid:pk>/share/": Who.PEOPLE,
    "playground/<uuid:pk>/delete/": Who.PEOPLE,
    "playground/<uuid:pk>/values/": Who.PEOPLE,
    "playground/<uuid:pk>/values/<int:set_pk>/fill/": Who.PEOPLE,
    "playground/<uuid:pk>/example-set/": Who.PEOPLE,
    "playground/<uuid:pk>/panels/add/": Who.PEOPLE,
    "playground/<uuid:pk>/panels/<int:panel_pk>/": Who.PEOPLE,
    "playground/<uuid:pk>/panels/<int:panel_pk>/code/": Who.PEOPLE,
    "playground/<uuid:pk>/panels/<int:panel_pk>/remove/": Who.PEOPLE,
    "backtests/": Who.PEOPLE,
    "backtests/add/": Who.PEOPLE,
    "backtests/<uuid:pk>/": Who.PEOPLE,
    "backtests/<uuid:pk>/start/": Who.PEOPLE,
    "backtests/<uuid:pk>/pause/": Who.PEOPLE,
    "backtests/<uuid:pk>/cancel/": Who.PEOPLE,
    "backtests/<uuid:pk>/share/": Who.PEOPLE,
    "backtests/<uuid:pk>/delete/": Who.PEOPLE,
    "backtests/<uuid:pk>/compare/": Who.PEOPLE,
    "backtests/<uuid:pk>/export.csv": Who.PEOPLE,
    "backtests/<uuid:pk>/export.jsonl": Who.PEOPLE,
    "backtests/<uuid:pk>/calls/<int:row_pk>/again/": Who.PEOPLE,
    "prompts/": Who.PEOPLE,
    "prompts/add/": Who.PEOPLE,
    "prompts/import/": Who.PEOPLE,
    "prompts/export.zip": Who.PEOPLE,
    "prompts/export.json": Who.PEOPLE,
    "prompts/<uuid:pk>/examples/add/": Who.PEOPLE,
    "prompts/<uuid:pk>/examples/<int:number>/": Who.PEOPLE,
    "prompts/<uuid:pk>/examples/<int:number>/delete/": Who.PEOPLE,
    "prompts/<uuid:pk>/export.md": Who.PEOPLE,
    "prompts/<uuid:pk>/export.json": Who.PEOPLE,
    "prompts/<uuid:pk>/": Who.PEOPLE,
    "prompts/<uuid:pk>/edit/": Who.PEOPLE,
    "prompts/<uuid:pk>/compare/": Who.PEOPLE,
    "prompts/<uuid:pk>/labels/": Who.PEOPLE,
    "prompts/<uuid:pk>/labels/move/": Who.PEOPLE,
    "prompts/<uuid:pk>/rollouts/add/": Who.PEOPLE,
    "prompts/<uuid:pk>/rollouts/<int:number>/end/": Who.PEOPLE,
    "prompts/proposals/<uuid:pk>/": Who.PEOPLE,
    "prompts/proposals/<uuid:pk>/decide/": Who.PEOPLE,
    "prompts/<uuid:pk>/details/": Who.PEOPLE,
    "prompts/<uuid:pk>/share/": Who.PEOPLE,
    "prompts/<uuid:pk>/archive/": Who.PEOPLE,
    "prompts/<uuid:pk>/delete/": Who.PEOPLE,
    "prompts/<uuid:pk>/versions/<int:number>/delete/": Who.PEOPLE,
    "prompts/webhooks/": Who.PEOPLE,
    "prompts/webhooks/add/": Who.PEOPLE,
    "prompts/webhooks/<uuid:pk>/": Who.PEOPLE,
    "prompts/webhooks/<uuid:pk>/edit/": Who.PEOPLE,
    "prompts/webhooks/<uuid:pk>/secret/": Who.PEOPLE,
    "prompts/webhooks/<uuid:pk>/test/": Who.PEOPLE,
    "prompts/webhooks/<uuid:pk>/delete/": Who.PEOPLE,
    "prompts/webhooks/deliveries/<uuid:pk>/send-again/": Who.PEOPLE,
    "tokens/": Who.PEOPLE,
    "tokens/add/": Who.PEOPLE,
    "tokens/<uuid:token_id>/edit/": Who.PEOPLE,
    "tokens/<uuid:token_id>/replace/": Who.PEOPLE,
    "tokens/<uuid:token_id>/check/": Who.PEOPLE,
    "tokens/<uuid:token_id>/default/": Who.PEOPLE,
    "tokens/<uuid:token_id>/delete/": Who.PEOPLE,
    "tokens/keys/": Who.ADMINISTRATORS,
    "tokens/keys/rotate/": Who.ADMINISTRATORS,
    "tokens/keys/rotations/<uuid:rotation_id>/": Who.ADMINISTRATORS,
    "telemetry/": Who.PEOPLE,
    "telemetry/export.csv": Who.PEOPLE,
    "telemetry/export.jsonl": Who.PEOPLE,
    "telemetry/<uuid:pk>/": Who.PEOPLE,
    "telemetry/<uuid:pk>/rate/": Who.PEOPLE,
    "audit/": Who.PEOPLE,
    "audit/checkpoints/": Who.ADMINISTRATORS,
    "audit/<int:sequence>/": Who.PEOPLE,
    "audit/export.csv": Who.PEOPLE,
    "audit/export.jsonl": Who.PEOPLE,
    "api-docs/": Who.PEOPLE,
    # For programs: JSON without a log-in, and without a key for what is no secret.
    "api/openapi.json": Who.EVERYONE,
    "api/public/health": Who.EVERYONE,
    "api/public/projects": Who.EVERYONE,
    "api/public/v2/prompts": Who.EVERYONE,
    "api/public/v2/prompts/<path:name>": Who.EVERYONE,
    "api/public/v2/prompts/<path:name>/versions/<version>": Who.EVERYONE,
    "beta/litellm_prompt_management": Who.EVERYONE,
    # Django admin
    "admin/login/": Who.ADMINISTRATORS,
    "admin/logout/": Who.PEOPLE,
    "admin/password_change/": Who.PEOPLE,
    "admin/": Who.ADMINISTRATORS,
    "admin/password_change/done/": Who.ADMINISTRATORS,
    "admin/autocomplete/": Who.NOBODY,  # without the name of a field that has one
    "admin/jsi18n/": Who.ADMINISTRATORS,
    "admin/r/<path:content_type_id>/<path:object_id>/": Who.ADMINISTRATORS,
    "admin/(?P<url>.*)$": Who.ADMINISTRATORS,
    "admin/^(?P<app_label>webhooks|prompts|inference|tokens|telemetry|accounts|mfa|audit)/$": Who.ADMINISTRATORS,
    **admin_model("tokens/providertoken", delete=Who.ADMINISTRATORS),
    **admin_model("tokens/encryptionkey"),
    **admin_model("tokens/rotation"),
    **admin_model("audit/auditevent"),
    **admin_model("audit/auditverification"),
    **admin_model("telemetry/generation"),
    **admin_model("telemetry/generationcontent"),
    **admin_model("inference/conversation"),
    **admin_model("prompts/prompt"),
    **admin_model("prompts/promptversion"),
    **admin_model("prompts/labelmove"),
    **admin_model("prompts/rollout"),
    **admin_model("prompts/protectedlabel", add=Who.ADMINISTRATORS, delete=Who.ADMINISTRATORS),
    **admin_model("webhooks/webhook", delete=Who.ADMINISTRATORS),
    **admin_model("mfa/authenticator"),
    **admin_model("accounts/usersession", delete=Who.ADMINISTRATORS),
    **admin_model("telemetry/priceoverride", add=Who.ADMINISTRATORS, delete=Who.ADMINISTRATORS),
    **admin_model("accounts/user", add=Who.ADMINISTRATORS),
    **admin_model("accounts/team", add=Who.ADMINISTRATORS, delete=Who.ADMINISTRATORS),
    **admin_model("accounts/invitation", delete=Who.ADMINISTRATORS),
    **admin_model("accounts/apikey", delete=Who.ADMINISTRATORS),
    "admin/accounts/user/<id>/password/": Who.ADMINISTRATORS,
}


@pytest.fixture
def visitors(client_of: ClientOf, alice: User, admin: User) -> Callable[[], tuple[Client, Client, Client]]:
    """Somebody unknown, an engineer and an administrator, each with a new log-in."""

    def make() -> tuple[Client, Client, Client]:
        return Client(), client_of(alice), client_of(admin)

    return make


def seen(response: Any) -> str | None:
    """None where the method alone was wrong, which tells nothing of rights."""
    if response.status_code == 405:
        return None
    to_log_in = response.status_code == 302 and response.headers["Location"].startswith(("/login/", "/admin/login/"))
    return LOG_IN if to_log_in else REFUSED if response.status_code == 403 else LET_IN


def answer(client: Client, path: str) -> str | None:
    return seen(client.get(path)) or seen(client.post(path))


def test_the_table_lists_every_route() -> None:
    routes = set(all_routes())
    assert {"new": routes - TABLE.keys(), "gone": TABLE.keys() - routes} == {"new": set(), "gone": set()}


def test_every_route_answers_each_role_as_the_table_says(
    visitors: Callable[[], tuple[Client, Client, Client]],
) -> None:
    anonymous, engineer, administrator = visitors()
    answers: dict[str, tuple[str | None, ...]] = {}
    for route in TABLE:
        answers[route] = tuple(answer(client, path_of(route)) for client in (anonymous, engineer, administrator))
        if "logout" in route:
            anonymous, engineer, administrator = visitors()
    assert answers == {route: who.value for route, who in TABLE.items()}


@pytest.mark.slow
def test_no_method_lets_a_visitor_past_the_log_in(client: Client) -> None:
    paths = [path_of(route) for route, who in TABLE.items() if who is not Who.EVERYONE]
    ways = [(path, method) for path in paths for method in ("post", "put", "patch", "delete")]
    let_in = [(path, method) for path, method in ways if seen(getattr(client, method)(path)) in (REFUSED, LET_IN)]
    assert let_in == []


def test_an_engineer_who_sends_what_administrators_send_is_refused_and_recorded(
    client_of: ClientOf, alice: User
) -> None:
    engineer = client_of(alice)
    paths = [path_of(route) for route, who in TABLE.items() if who in (Who.ADMINISTRATORS, Who.NOBODY)]
    answers = {path: engineer.post(path).status_code for path in paths}
    refused = [path for path, status in answers.items() if status == 403]
    # A page that can only be read says so first.
    assert set(answers.values()) == {403, 405} and len(refused) > 40
    entries = AuditEvent.objects.filter(actor=alice.audit_id, action="accounts:access:deny")
    assert entries.count() == len(refused)
