from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from pytest_django import Settings

from accounts.models import User
from accounts.personal_data import registry
from accounts.personal_data.registry import PersonalDataHandler, export_rows, handlers
from audit.models import AuditEvent
from conftest import PASSWORD

ClientOf = Callable[[User], Client]
OWN = "/account/data/"
# Foreign keys to people that say nothing once their row is gone, and why.
HARMLESS = {
    "accounts.invitation.invited_by": "becomes empty; who invited whom is in the audit log, under pseudonyms",
    "tokens.allowedhost.added_by": "becomes empty; the host is allowed for the server",
    "tokens.rotation.started_by": "becomes empty; the rotation is the server's",
}


def read(user: User) -> list[dict[str, Any]]:
    return [dict(values) for values in export_rows(user)]


def dumps(values: list[dict[str, Any]]) -> str:
    return json.dumps(values, default=str)


def test_every_model_that_knows_people_is_handed_out_and_erased() -> None:
    known = {
        f"{model._meta.label_lower}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.related_model is User
    }
    covered = frozenset[str]().union(*(handler.covers for handler in handlers()))
    assert known == covered | HARMLESS.keys()
    assert not covered & HARMLESS.keys()


@pytest.mark.parametrize(
    "registered", [("calls", "runs", "keys"), ("keys", "calls", "runs"), ("runs", "keys", "calls")]
)
def test_erasing_follows_what_needs_what(monkeypatch: pytest.MonkeyPatch, registered: tuple[str, ...]) -> None:
    monkeypatch.setattr(registry, "_handlers", {})
    for name in registered:
        before = frozenset({"calls", "keys"} if name == "runs" else ())
        registry.register(PersonalDataHandler(name, lambda user: iter(()), lambda *_: {}, frozenset(), before))
    assert handlers()[0].name == "runs"


def test_it_hands_out_everything(alice: User, mark: str) -> None:
    kinds = {line["kind"] for line in read(alice)}
    assert kinds == {
        "export", "profile", "session", "api_key", "team", "second_factor", "provider_token", "conversation", "message",
        "call", "audit_entry", "end",
    }  # fmt: skip


def test_it_says_how_many_lines_there_are(alice: User, mark: str) -> None:
    found = read(alice)
    assert (found[-1]["kind"], found[-1]["lines"]) == ("end", len(found))


def test_it_hands_out_no_secrets(alice: User, mark: str) -> None:
    text = dumps(read(alice))
    assert "sk-secret-of-alice" not in text and alice.password not in text and "digest" not in text
    assert "said-by-alice" in text


def test_it_hands_out_nothing_of_others(alice: User, bob: User, mark: str) -> None:
    text = dumps(read(bob))
    assert mark not in text


def test_an_administrator_gets_no_more_of_others(admin: User, alice: User, mark: str) -> None:
    assert mark not in dumps(read(admin))


def fetch(user: User, path: str) -> tuple[StreamingHttpResponse, str]:
    async def get() -> tuple[StreamingHttpResponse, str]:
        client = AsyncClient()
        await client.aforce_login(user)
        await client.post("/account/confirm/", {"password": PASSWORD})
        response = cast(StreamingHttpResponse, await client.get(path))
        return response, b"".join([chunk async for chunk in response]).decode()

    return async_to_sync(get)()


@pytest.mark.django_db(transaction=True)
def test_it_is_a_download(alice: User) -> None:
    response, body = fetch(alice, f"{OWN}export.jsonl")
    assert response["Content-Disposition"].startswith('attachment; filename="personal-data-')
    assert response["X-Content-Type-Options"] == "nosniff" and response["Cache-Control"] == "no-store"
    assert json.loads(body.splitlines()[0])["of"] == alice.email
    event = AuditEvent.objects.get(action="accounts:user:export")
    assert (event.actor, event.owner) == (alice.audit_id, alice.audit_id)


@pytest.mark.django_db(transaction=True)
def test_an_administrator_exports_anybody(admin: User, alice: User) -> None:
    _, body = fetch(admin, f"/people/{alice.pk}/data/export.jsonl")
    assert json.loads(body.splitlines()[0])["of"] == alice.email
    event = AuditEvent.objects.get(action="accounts:user:export")
    assert (event.actor, event.owner) == (admin.audit_id, alice.audit_id)


@pytest.mark.parametrize("path", [OWN, f"{OWN}export.jsonl", "/account/erase/"])
def test_it_asks_who_one_is(client_of: ClientOf, alice: User, path: str) -> None:
    assert client_of(alice).get(path)["Location"].startswith("/account/confirm/")
    assert not AuditEvent.objects.filter(action="accounts:user:export").exists()


@pytest.mark.parametrize("step", ["data/", "data/export.jsonl", "erase/"])
def test_engineers_are_refused(confirmed_client_of: ClientOf, alice: User, bob: User, step: str) -> None:
    assert confirmed_client_of(alice).get(f"/people/{bob.pk}/{step}").status_code == 403
    assert AuditEvent.objects.latest("sequence").action == "accounts:access:deny"


@pytest.mark.parametrize("step", ["data/", "data/export.jsonl", "erase/"])
def test_it_knows_no_missing_person(confirmed_client_of: ClientOf, admin: User, step: str, settings: Settings) -> None:
    assert confirmed_client_of(admin).get(f"/people/0/{step}").status_code == 404
