from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client

from accounts.actions import AccountsAction
from accounts.models import User
from audit import services
from audit.actions import Action, Outcome, actions
from audit.sentences import Part, parts_of

ClientOf = Callable[[User], Client]
LABEL = {"target": "support/triage", "label": "production"}


def said(action: str, **values: object) -> str:
    return "".join(part.text for part in parts_of(action, values))


def append(actor: User, action: Action, outcome: Outcome = Outcome.SUCCESS) -> None:
    with transaction.atomic():
        services.record(action=action, actor=actor, outcome=outcome)


@pytest.mark.parametrize("action", actions())
def test_every_action_has_a_sentence(action: Action) -> None:
    assert action.sentence and not action.sentence.endswith(".")


def test_it_fills_in_what_the_entry_holds() -> None:
    assert said("prompts:label:move", **LABEL, version=3) == "changed label production of support/triage to v3"


def test_it_leaves_out_what_the_entry_lacks() -> None:
    assert said("prompts:label:move", **LABEL, version=None) == "changed label production of support/triage"


def test_it_says_an_action_that_is_gone_by_its_code() -> None:
    assert parts_of("gone:old_thing:do", {}) == [Part("text", "do old thing")]


def test_it_folds_runs_of_routine(client_of: ClientOf, admin: User) -> None:
    for action in (*[AccountsAction.API_KEY_USE] * 3, AccountsAction.USER_UPDATE, AccountsAction.API_KEY_USE):
        append(admin, action)
    groups = client_of(admin).get("/audit/").context["groups"]
    assert [len(group.rows) for group in groups] == [1, 1, 3]


def test_it_folds_nothing_that_was_refused(client_of: ClientOf, admin: User) -> None:
    for _ in range(3):
        append(admin, AccountsAction.API_KEY_USE, Outcome.DENIED)
    assert len(client_of(admin).get("/audit/").context["groups"]) == 3


def test_it_calls_users_by_their_names(client_of: ClientOf, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(name="Ada Moretti")
    append(admin, AccountsAction.SESSION_LOGIN)
    page = client_of(admin).get("/audit/").content.decode()
    assert re.search(r'<strong title="admin@example.org">Ada Moretti</strong>\s+logged in', page)
