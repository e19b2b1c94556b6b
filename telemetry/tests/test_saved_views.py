"""Views of the list of calls that are saved by a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from audit.models import AuditEvent
from telemetry.explorer.models import SavedView

LIST = "/telemetry/"
ClientOf = Callable[[User], Client]


def save(client: Client, **values: str) -> Any:
    return client.post(f"{LIST}views/add/", {"name": "Failed", "query": "?status=failed&older=1.2", **values})


def tabs(client: Client, query: str = "") -> list[tuple[str, bool]]:
    return [(tab.name, tab.is_current) for tab in client.get(LIST + query).context["tabs"]]


def test_it_saves_filters_order_and_columns_by_a_name(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert tabs(client) == [("All calls", True)]
    dialog = client.get(f"{LIST}views/add/?status=failed&sort=-cost&col=model").content.decode()
    assert 'value="status=failed&amp;sort=-cost&amp;col=model"' in dialog
    response = save(client, query="status=failed&sort=-cost&col=model")
    assert response["Location"] == f"{LIST}?status=failed&sort=-cost&col=model"
    assert tabs(client, "?status=failed&sort=-cost&col=model") == [("All calls", False), ("Failed", True)]
    assert AuditEvent.objects.filter(action="telemetry:view:create", actor=alice.audit_id).exists()


def test_a_view_has_no_position(alice: User, client_of: ClientOf) -> None:
    save(client_of(alice))
    assert SavedView.objects.get().query == "?status=failed"


def test_it_refuses_a_name_twice(alice: User, bob: User, client_of: ClientOf) -> None:
    save(client_of(alice)), save(client_of(bob))
    response = save(client_of(alice))
    assert response.status_code == 422 and "already have a view" in response.content.decode()
    assert SavedView.objects.count() == 2


def test_others_see_a_view_only_where_it_is_shared(
    team: Team, alice: User, bob: User, charlie: User, client_of: ClientOf
) -> None:
    save(client_of(alice), audience=str(team.pk))
    assert [name for name, _ in tabs(client_of(bob))] == ["All calls", "Failed"]
    assert [name for name, _ in tabs(client_of(charlie))] == ["All calls"]
    view = SavedView.objects.get()
    assert client_of(alice).post(f"{LIST}views/{view.pk}/share/", {"audience": "everyone"}).status_code == 302
    assert [name for name, _ in tabs(client_of(charlie))] == ["All calls", "Failed"]


def test_it_refuses_teams_of_others(team: Team, charlie: User, client_of: ClientOf) -> None:
    assert save(client_of(charlie), audience=str(team.pk)).status_code == 422


@pytest.mark.parametrize("step", ["rename", "share", "delete"])
def test_only_its_owner_changes_a_view(alice: User, bob: User, client_of: ClientOf, step: str) -> None:
    save(client_of(alice), audience="everyone")
    view = SavedView.objects.get()
    for ask in (client_of(bob).get, client_of(bob).post):
        assert ask(f"{LIST}views/{view.pk}/{step}/").status_code == 404


def test_it_renames_and_deletes(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    save(client)
    view = SavedView.objects.get()
    client.post(f"{LIST}views/{view.pk}/rename/", {"name": "Broken"})
    assert [name for name, _ in tabs(client)] == ["All calls", "Broken"]
    client.post(f"{LIST}views/{view.pk}/delete/")
    assert [name for name, _ in tabs(client)] == ["All calls"]
    actions = AuditEvent.objects.filter(action__startswith="telemetry:view").order_by("sequence")
    assert [entry.action.rpartition(":")[2] for entry in actions] == ["create", "rename", "delete"]
