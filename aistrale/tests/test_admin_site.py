"""The admin site as a whole: every model in it, whichever app it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actions import AccountsAction
from accounts.models import User, UserSession
from audit.models import AuditEvent
from audit.services import record, record_denied
from inference.models import Conversation
from telemetry.models import PriceOverride

ClientOf = Callable[[User], Client]


def names() -> list[str]:
    """``app_model`` of everything that is registered."""
    return sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in django_admin.site._registry)


def test_it_has_everything_that_is_stored() -> None:
    assert {
        "accounts_user",
        "accounts_usersession",
        "accounts_invitation",
        "accounts_apikey",
        "mfa_authenticator",
        "tokens_providertoken",
        "tokens_encryptionkey",
        "tokens_rotation",
        "telemetry_generation",
        "telemetry_generationcontent",
        "telemetry_priceoverride",
        "inference_conversation",
        "prompts_prompt",
        "prompts_promptversion",
        "prompts_labelmove",
        "prompts_rollout",
        "prompts_protectedlabel",
        "webhooks_webhook",
        "audit_auditevent",
        "audit_auditverification",
    } <= set(names())


def test_it_counts_no_whole_table(client_of: ClientOf, admin: User) -> None:
    client = client_of(admin)
    for name in names():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200
        counts = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
        assert all("LIMIT" in sql for sql in counts), name


def test_it_lists_no_value_of_a_whole_table_as_a_filter(client_of: ClientOf, admin: User) -> None:
    client = client_of(admin)
    # Of their own prices administrators have few.
    for name in set(names()) - {"telemetry_priceoverride"}:
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(f"admin:{name}_changelist"))
        values = [query["sql"] for query in queries if "SELECT DISTINCT" in query["sql"]]
        # Those are of the date hierarchy: years, or days of a month.
        assert all("DATE_TRUNC" in sql for sql in values), name


@pytest.mark.parametrize(
    ("query", "found"), [("since=1", 2), ("outcome=denied", 1), ("since=7&outcome=success", 1), ("since=x", 2)]
)
def test_it_filters_the_audit_log(client_of: ClientOf, admin: User, query: str, found: int) -> None:
    client = client_of(admin)
    page = reverse("admin:audit_auditevent_changelist")
    with transaction.atomic():
        record(action=AccountsAction.USER_UPDATE, actor=admin, target=admin)
    record_denied(action=AccountsAction.ACCESS_DENIED, actor=admin)
    assert len(client.get(f"{page}?{query}").context["cl"].result_list) == found


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_refuses_engineers_and_records_it(client_of: ClientOf, alice: User, method: str) -> None:
    client = client_of(alice)
    paths = ["/admin/", *(reverse(f"admin:{name}_changelist") for name in names())]
    for path in paths:
        assert getattr(client, method)(path).status_code == 403
    assert AuditEvent.objects.filter(action="accounts:access:deny", actor=alice.audit_id).count() == len(paths)


def test_it_keeps_no_second_history(client_of: ClientOf, admin: User) -> None:
    price = {f"{name}_price": "1" for name in ("input", "cache_read", "cache_write", "output")}
    data = {"provider": "openai", "model": "m", "valid_from_0": "2026-01-01", "valid_from_1": "00:00", **price}
    client = client_of(admin)
    client.post(reverse("admin:telemetry_priceoverride_add"), data)
    pk = PriceOverride.objects.get().pk
    history = client.get(reverse("admin:telemetry_priceoverride_history", args=[pk]), follow=True)
    assert b"telemetry:price:create" in history.content
    client.post(reverse("admin:telemetry_priceoverride_delete", args=[pk]), {"post": "yes"})
    assert not LogEntry.objects.exists()


def test_it_leads_to_the_history_of_a_person_by_pseudonym(client_of: ClientOf, alice: User, admin: User) -> None:
    path = reverse("admin:accounts_user_history", args=[alice.pk])
    assert str(alice.audit_id) in client_of(admin).get(path)["Location"]


def test_it_tells_of_conversations_without_what_was_said(client_of: ClientOf, alice: User, admin: User) -> None:
    conversation = Conversation.objects.create(owner=alice, title="My illness", system="You are a doctor")
    client = client_of(admin)
    listed = client.get(reverse("admin:inference_conversation_changelist"), {"q": alice.email}).content.decode()
    assert str(conversation.pk) in listed
    for step in ("change", "delete", "history"):
        path = reverse(f"admin:inference_conversation_{step}", args=[conversation.pk])
        listed += client.get(path, follow=True).content.decode()
    assert "illness" not in listed and "doctor" not in listed


def test_it_finds_conversations_by_id_and_owner_not_by_words(client_of: ClientOf, alice: User, admin: User) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Mine")
    client = client_of(admin)

    def found(text: str) -> list[Any]:
        answer = client.get(reverse("admin:inference_conversation_changelist"), {"q": text})
        return list(answer.context["cl"].result_list)

    assert found(str(conversation.pk)) == found(alice.email) == [conversation]
    assert found("Mine") == []


@pytest.mark.parametrize("bulk", [False, True])
def test_it_ends_a_session(
    client_of: ClientOf, confirmed_client_of: ClientOf, alice: User, admin: User, bulk: bool
) -> None:
    at_work = client_of(alice)
    session = UserSession.objects.get(user=alice)
    client = confirmed_client_of(admin)
    if bulk:
        data = {"action": "delete_selected", "_selected_action": str(session.pk), "post": "yes"}
        client.post(reverse("admin:accounts_usersession_changelist"), data)
    else:
        client.post(reverse("admin:accounts_usersession_delete", args=[session.pk]), {"post": "yes"})
    assert at_work.get("/").status_code == 302
    event = AuditEvent.objects.get(action="accounts:session:end")
    assert (event.actor, event.target_id) == (admin.audit_id, str(alice.audit_id))


@pytest.mark.parametrize("path", ["accounts_usersession_delete", "accounts_usersession_changelist"])
def test_it_asks_who_is_there_before_it_ends_a_session(
    client_of: ClientOf, alice: User, admin: User, path: str
) -> None:
    client_of(alice)
    session = UserSession.objects.get(user=alice)
    args = [session.pk] if path.endswith("delete") else []
    data = {"action": "delete_selected", "_selected_action": str(session.pk), "post": "yes"}
    answer = client_of(admin).post(reverse(f"admin:{path}", args=args), data)
    assert answer["Location"].startswith("/account/confirm/")
    assert UserSession.objects.filter(pk=session.pk).exists()


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_it_wears_the_theme_of_its_user(client_of: ClientOf, admin: User, theme: str) -> None:
    User.objects.filter(pk=admin.pk).update(theme=theme)
    assert f"theme-{theme}" in client_of(admin).get("/admin/").content.decode()


@pytest.mark.parametrize("text", ["audit:event:x", "accounts:session:login", "tokens.rotation:1", "'; --", "9" * 40])
def test_it_survives_any_search(client_of: ClientOf, admin: User, text: str) -> None:
    for name in names():
        assert client_of(admin).get(reverse(f"admin:{name}_changelist"), {"q": text}).status_code == 200


@pytest.mark.parametrize(
    "hidden",
    [
        "accounts/user/?password",
        "accounts/apikey/?digest",
        "accounts/apikey/?user__password",
        "accounts/invitation/?digest",
        "accounts/usersession/?digest",
        "mfa/authenticator/?data",
        "tokens/providertoken/?secret",
        "tokens/providertoken/?owner__password",
        "tokens/encryptionkey/?wrapped",
        "telemetry/generation/?content__response_text",
        "inference/conversation/?system",
    ],
)
def test_what_is_hidden_cannot_be_guessed_letter_by_letter(hidden: str, admin: User, client_of: ClientOf) -> None:
    assert client_of(admin).get(f"/admin/{hidden}__startswith=a").status_code == 400


def test_it_filters_by_what_it_offers(admin: User, client_of: ClientOf) -> None:
    client, tried = client_of(admin), 0
    for name in names():
        page = client.get(reverse(f"admin:{name}_changelist"))
        for offered in re.findall(r'href="(\?[^"]*=[^"]*)"', page.content.decode()):
            tried += 1
            assert client.get(page.request["PATH_INFO"] + unescape(offered)).status_code == 200, (name, offered)
    assert tried > 30
