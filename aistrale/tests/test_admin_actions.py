"""Whatever administrators can change in the admin site is asked about, done as a whole, recorded and told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone
from psycopg import sql
from redis import Redis

from accounts.models import Invitation, Role, Team, User, UserSession
from accounts.profile import api_keys
from accounts.sessions.store import SEEN
from accounts.sharing import Audience, Visibility
from aistrale.tests.admin_steps import PRICES, STEPS, Form, Scene, Step, offered
from audit.models import AuditEvent
from prompts.models import ProtectedLabel
from telemetry.models import PriceOverride
from tokens import services
from webhooks.services import create_webhook

ClientOf = Callable[[User], Client]
USERS, SESSIONS = "/admin/accounts/user/", "/admin/accounts/usersession/"
KEPT = ("accounts_", "mfa_", "tokens_", "telemetry_", "audit_")
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture
def scene(admin: User, alice: User, bob: User, team: Team, client_of: ClientOf) -> Scene:
    with transaction.atomic():
        Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
    client_of(alice)
    client_of(admin)
    shared = Audience(Visibility.TEAM, team)
    week = timezone.now() + timedelta(days=7)
    invited = {"email": "dora@example.org", "expires_at": week, "invited_by": admin}
    values: dict[str, Any] = {"provider": "openai", "model": "dear-1", "valid_from": datetime(2026, 1, 1, tzinfo=UTC)}
    return Scene(
        admin=admin,
        alice=alice,
        bob=bob,
        team=team,
        session=UserSession.objects.get(user=alice),
        invitation=Invitation.objects.create(digest="a", **invited),
        used=Invitation.objects.create(digest="b", user=alice, **invited),
        key=api_keys.create(user=alice, label="Nightly", expires_at=None)[0],
        token=services.add_token(
            owner=alice, actor=alice, provider="openai", label="Main", secret="sk-0123456789abcdef", audience=shared
        ),
        price=PriceOverride.objects.create(**values, **dict.fromkeys(PRICES, Decimal(1))),
        protected=ProtectedLabel.objects.create(name="live"),
        webhook=create_webhook(owner=alice, name="Cache", url="https://hooks.example.org")[0],
    )


def stored() -> str:
    """Every row of what the site keeps. Keys of sessions change now and then, whatever is done."""
    with connection.cursor() as cursor:
        names = sorted(name for name in connection.introspection.table_names(cursor) if name.startswith(KEPT))
        rows = []
        for name in names:
            cursor.execute(
                sql.SQL("SELECT (to_jsonb(t) - 'digest')::text FROM {} t ORDER BY 1").format(sql.Identifier(name))
            )
            rows.append((name, cursor.fetchall()))
    return str(rows)


def answer_to(question: Any, path: str) -> tuple[str, Form]:
    """Where the form of a question is sent, and what is in it."""
    _, content = question.content.decode().split("<h1", 1)
    fields: Form = {}
    for name, value in _HIDDEN.findall(content):
        fields.setdefault(name, []).append(unescape(value))
    where = question.redirect_chain[-1][0] if question.redirect_chain else path
    return where, fields


def test_it_knows_every_step_that_the_admin_site_offers(rf: RequestFactory, admin: User) -> None:
    request = rf.get("/admin/")
    request.user = admin
    assert set(offered(request)) == {name.partition(":")[0] for name in STEPS}


@contextmanager
def undone() -> Iterator[None]:
    """What is stored inside is gone afterwards, so that one scene does for all steps."""
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)


def faults(check: Callable[[Step], None], steps: Iterable[str] = STEPS) -> dict[str, str]:
    """By step, what ``check`` finds wrong with it."""
    found = {}
    for name in steps:
        with undone():
            try:
                check(STEPS[name])
            except AssertionError as fault:
                found[name] = str(fault)
    return found


def test_it_asks_does_records_and_tells(scene: Scene, confirmed_client_of: ClientOf, redis_client: Redis) -> None:
    def check(step: Step) -> None:
        redis_client.flushdb()  # what is counted of an address
        client = confirmed_client_of(scene.admin)
        path, form, before = step.address(scene), step.form(scene), stored()
        last = AuditEvent.objects.latest("sequence")
        client.get(path)
        assert stored() == before
        if step.asks:
            question = client.post(path, form, follow=True)
            assert question.status_code == 200 and stored() == before
            path, form = answer_to(question, path)
        page = client.post(path, form | (step.typed or {}), follow=True)
        assert step.told in unescape(re.sub("<[^>]+>", "", page.content.decode()))
        entries = list(AuditEvent.objects.filter(sequence__gt=last.sequence).order_by("sequence"))
        facts = [(entry.action, entry.target_id, entry.before, entry.after) for entry in entries]
        assert facts == [entry.facts(scene) for entry in step.entries]
        by = {(entry.actor, entry.role, entry.outcome, entry.source) for entry in entries}
        assert by == {(scene.admin.audit_id, "administrator", "success", "web")}
        assert len({entry.request_id for entry in entries}) == 1
        assert stored() != before

    assert faults(check) == {}


def test_it_asks_who_one_is_where_the_site_does(scene: Scene, client_of: ClientOf) -> None:
    client = client_of(scene.admin)

    def check(step: Step) -> None:
        before = stored()
        form = step.form(scene) | {"confirmed": "yes", "post": "yes"}
        answer = client.post(step.address(scene), form)
        assert answer.headers.get("Location", "").startswith("/account/confirm/")
        assert stored() == before

    assert faults(check, [name for name, step in STEPS.items() if step.confirms]) == {}


@pytest.mark.slow
def test_it_does_nothing_that_cannot_be_recorded(
    scene: Scene, confirmed_client_of: ClientOf, redis_client: Redis
) -> None:
    def check(step: Step) -> None:
        redis_client.flushdb()  # what is counted of an address
        client = confirmed_client_of(scene.admin)
        client.raise_request_exception = False
        path, form = step.address(scene), step.form(scene)
        if step.asks:
            path, form = answer_to(client.post(path, form, follow=True), path)
        before = stored()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditevent ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
        assert client.post(path, form | (step.typed or {})).status_code == 500
        assert stored() == before

    assert faults(check) == {}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_answers_others_as_if_there_were_nothing(method: str, scene: Scene, confirmed_client_of: ClientOf) -> None:
    engineer, visitor = confirmed_client_of(scene.alice), Client()

    def check(step: Step) -> None:
        path, before = step.address(scene), things(stored())
        form = step.form(scene) | {"confirmed": "yes", "post": "yes"} if method == "post" else {}
        for client in (engineer, visitor):
            answer, missing = getattr(client, method)(path, form), getattr(client, method)("/admin/nothing/", form)
            assert answer.status_code == missing.status_code == (403 if client is engineer else 302)
            assert "login" in answer.headers.get("Location", "login")
            assert re.sub(r"[0-9a-f-]{36}", "", answer.content.decode()) == re.sub(
                r"[0-9a-f-]{36}", "", missing.content.decode()
            )
        assert things(stored()) == before

    assert faults(check) == {}


def things(rows: str) -> str:
    """Without the log, which has the refusals."""
    return rows[rows.index("('mfa_") :]


def test_it_leaves_the_own_session_when_all_of_a_person_end(admin: User, confirmed_client_of: ClientOf) -> None:
    client = idle(confirmed_client_of(admin))
    confirmed_client_of(admin)
    form = {"action": "log_out", "_selected_action": admin.pk, "confirmed": "yes"}
    page = client.post(USERS, form, follow=True)
    assert "Signed out 1 user (1 session)" in page.content.decode()
    assert UserSession.objects.count() == 1


@pytest.mark.parametrize("others", [0, 1])
def test_it_leaves_out_the_own_session_and_says_so(
    admin: User, alice: User, confirmed_client_of: ClientOf, client_of: ClientOf, others: int
) -> None:
    client = idle(confirmed_client_of(admin))
    own = UserSession.objects.get()
    if others:
        client_of(alice)
    form = {"action": "delete_selected", "_selected_action": list(UserSession.objects.values_list("pk", flat=True))}
    question = client.post(SESSIONS, form, follow=True)
    assert "was left out" in question.content.decode()
    assert ("Are you sure" in question.content.decode()) == bool(others)
    client.post(SESSIONS, form | {"post": "yes"})
    assert UserSession.objects.get() == own and client.get("/admin/").status_code == 200
    assert client.post(f"{SESSIONS}{own.pk}/delete/", {"post": "yes"}).status_code == 403
    assert AuditEvent.objects.filter(action="accounts:session:end").count() == others


def test_it_changes_the_own_password_on_the_site(admin: User, confirmed_client_of: ClientOf) -> None:
    assert confirmed_client_of(admin).get(f"{USERS}{admin.pk}/password/")["Location"] == "/password/"


@pytest.mark.parametrize("pk", ["999999", "nobody", "9" * 30])
@pytest.mark.parametrize("page", ["change", "password"])
def test_it_knows_nobody_who_is_not_there(admin: User, confirmed_client_of: ClientOf, pk: str, page: str) -> None:
    client = confirmed_client_of(admin)
    for answer in (client.get(f"{USERS}{pk}/{page}/", follow=True), client.post(f"{USERS}{pk}/{page}/", follow=True)):
        assert answer.status_code == 404 or "doesn’t exist" in answer.content.decode()


@pytest.mark.parametrize(("role", "active"), [("engineer", "on"), ("administrator", None)])
def test_it_leads_away_who_has_taken_the_own_rights_away(
    admin: User, alice: User, confirmed_client_of: ClientOf, role: str, active: str | None
) -> None:
    User.objects.filter(pk=alice.pk).update(role=Role.ADMINISTRATOR)
    client, last = idle(confirmed_client_of(admin)), AuditEvent.objects.count()
    form = {"email": admin.email, "name": admin.name, "role": role, "confirmed": "yes"}
    answer = client.post(f"{USERS}{admin.pk}/change/", form | ({"is_active": active} if active else {}), follow=True)
    assert answer.status_code == 200 and not User.objects.get(pk=admin.pk).is_administrator
    assert answer.request["PATH_INFO"] == ("/" if active else "/login/")
    actions = AuditEvent.objects.filter(sequence__gt=last).values_list("action", flat=True)
    assert "accounts:access:deny" not in actions


def test_it_records_no_change_where_there_is_none(admin: User, scene: Scene, confirmed_client_of: ClientOf) -> None:
    client, last = confirmed_client_of(admin), AuditEvent.objects.latest("sequence")
    user = {"email": scene.alice.email, "name": scene.alice.name, "role": scene.alice.role, "is_active": "on"}
    price = STEPS["telemetry.priceoverride change model"].form(scene) | {"model": "dear-1"}
    client.post(f"{USERS}{scene.alice.pk}/change/", user)
    client.post(f"/admin/telemetry/priceoverride/{scene.price.pk}/change/", price)
    assert AuditEvent.objects.latest("sequence") == last


def test_it_says_what_becomes_private_when_somebody_leaves(scene: Scene, client_of: ClientOf) -> None:
    step = STEPS["accounts.team delete membership"]
    page = client_of(scene.admin).post(step.address(scene), step.form(scene)).content.decode()
    assert "Alice can no longer see what others share with the team" in page
    assert "1 provider token becomes private to its owner." in page


def test_it_puts_nobody_in_a_team_who_cannot_log_in(
    admin: User, team: Team, charlie: User, client_of: ClientOf
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    client = client_of(admin)
    form = {"name": "New", "memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0}
    page = client.post("/admin/accounts/team/add/", form | {"memberships-0-user": charlie.pk})
    assert "Select a valid choice" in page.content.decode() and Team.objects.get() == team
    query = {"term": "charlie", "app_label": "accounts", "model_name": "membership", "field_name": "user"}
    assert client.get("/admin/autocomplete/", query).json()["results"] == []


@pytest.mark.parametrize("action", ["log_out", "remove_second_factors", "make_password_links"])
def test_it_takes_500_people_at_once(admin: User, confirmed_client_of: ClientOf, action: str) -> None:
    people(500)
    client, last = confirmed_client_of(admin), AuditEvent.objects.count()
    form = {"action": action, "_selected_action": str(User.objects.latest("pk").pk), "select_across": "1"}
    question = client.post(f"{USERS}?role__exact=engineer", form, follow=True)
    path, fields = answer_to(question, f"{USERS}?role__exact=engineer")
    assert len(fields["_selected_action"]) == 500
    page = client.post(path, fields, follow=True)
    assert page.status_code == 200 and AuditEvent.objects.count() == last + 500


def test_it_says_that_501_are_too_many(admin: User, confirmed_client_of: ClientOf) -> None:
    people(501)
    form = {"action": "log_out", "_selected_action": str(User.objects.latest("pk").pk), "select_across": "1"}
    page = confirmed_client_of(admin).post(USERS, form, follow=True).content.decode()
    assert "more than 500 users" in page


@pytest.mark.parametrize("pk", ["x", "9" * 30, "00000000-0000-4000-8000-000000000000"])
@pytest.mark.parametrize("path", [USERS, "/admin/tokens/providertoken/"])
def test_it_acts_on_nothing_that_is_not_there(admin: User, confirmed_client_of: ClientOf, path: str, pk: str) -> None:
    for action in ("log_out", "delete_selected"):
        form = {"action": action, "_selected_action": pk, "confirmed": "yes", "post": "yes"}
        assert confirmed_client_of(admin).post(path, form).status_code in (200, 302, 400)


def people(number: int) -> None:
    """Engineers, each with a session and a second factor."""
    made = User.objects.bulk_create(User(email=f"user{n}@example.org") for n in range(number))
    UserSession.objects.bulk_create(UserSession(user=user, digest=str(user.pk)) for user in made)
    Authenticator.objects.bulk_create(Authenticator(user=user, type="totp", data={}) for user in made)


def idle(client: Client) -> Client:
    """Last active so long ago that its next request is noted in its session."""
    session = client.session
    session[SEEN] = time.time() - 100
    session.save()
    return client
