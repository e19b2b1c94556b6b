from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]


def form(*members: User, total: int, **more: str) -> dict[str, str]:
    """What the page of a team sends; ``members`` are new ones, ``total`` counts all that the page shows."""
    first = total - len(members)
    names = {f"memberships-{first + number}-user": str(user.pk) for number, user in enumerate(members)}
    counts = {"memberships-TOTAL_FORMS": str(total), "memberships-INITIAL_FORMS": str(first)}
    return {"name": "Research", **counts, **names, **more}


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))


def test_it_makes_a_team_with_members(client_of: ClientOf, admin: User, charlie: User) -> None:
    client_of(admin).post(reverse("admin:accounts_team_add"), form(charlie, total=1))
    assert list(Team.objects.get().members.all()) == [charlie]
    assert actions() == ["accounts:team:create", "accounts:member:add"]


def test_it_takes_a_member_out_and_renames(client_of: ClientOf, admin: User, bob: User, team: Team) -> None:
    rows = list(team.memberships.order_by("pk"))
    ids = {f"memberships-{number}-id": str(row.pk) for number, row in enumerate(rows)}
    ids |= {f"memberships-{number}-team": str(team.pk) for number in range(2)}
    gone = next(number for number, row in enumerate(rows) if row.user == bob)
    data = form(total=2, **ids, **{f"memberships-{gone}-DELETE": "on"}) | {"name": "Science", "confirmed": "yes"}
    client_of(admin).post(reverse("admin:accounts_team_change", args=[team.pk]), data)
    team.refresh_from_db()
    assert (team.name, team.memberships.count()) == ("Science", 1)
    assert actions() == ["accounts:team:rename", "accounts:member:remove"]


def test_it_asks_on_the_site_before_it_deletes(client_of: ClientOf, admin: User, team: Team) -> None:
    client = client_of(admin)
    response = client.post(reverse("admin:accounts_team_delete", args=[team.pk]), {"post": "yes"})
    assert response.headers["Location"] == reverse("accounts:team-delete", args=[team.pk])
    assert Team.objects.exists()
    assert client.get(reverse("admin:accounts_team_delete", args=["nothing"])).status_code == 404


@pytest.mark.parametrize("page", ["changelist", "add", "autocomplete"])
def test_it_shows_its_pages(client_of: ClientOf, admin: User, team: Team, page: str) -> None:
    if page == "autocomplete":
        query = {"term": "ali", "app_label": "accounts", "model_name": "membership", "field_name": "user"}
        response = client_of(admin).get(reverse("admin:autocomplete"), query)
        assert [row["text"] for row in response.json()["results"]] == ["alice@example.org"]
    else:
        assert client_of(admin).get(reverse(f"admin:accounts_team_{page}")).status_code == 200


def test_it_shows_the_members_of_a_team(client_of: ClientOf, admin: User, team: Team) -> None:
    page = client_of(admin).get(reverse("admin:accounts_team_change", args=[team.pk])).content.decode()
    assert "alice@example.org" in page and "bob@example.org" in page


def test_it_leads_to_the_page_of_a_team_with_too_many_members_for_a_form(
    client_of: ClientOf, admin: User, team: Team
) -> None:
    people = User.objects.bulk_create(User(email=f"{number}@example.org") for number in range(400))
    Membership.objects.bulk_create(Membership(team=team, user=user) for user in people)
    client, path = client_of(admin), reverse("admin:accounts_team_change", args=[team.pk])
    page = client.get(path).content.decode()
    assert f'<a href="/account/teams/{team.pk}/">402 on the site</a>' in page
    client.post(path, {"name": "Science"})
    team.refresh_from_db()
    assert (team.name, team.members.count()) == ("Science", 402)


def test_it_searches_and_pages_through_many_teams(client_of: ClientOf, admin: User, db: None) -> None:
    Team.objects.bulk_create([Team(name=f"Team {number:03}") for number in range(25)])
    client = client_of(admin)
    response = client.get("/account/teams/")
    first, queries = response.content.decode(), (response.context["page"].older, "?q=024+team", "?q=zzz")
    second, found, none = (client.get(f"/account/teams/{query}").content.decode() for query in queries)
    assert ("Team 019" in first, "Team 020" in first) == (True, False)
    assert ("Team 019" in second, "Team 024" in second) == (False, True)
    assert ("Team 024" in found, "Team 023" in found) == (True, False)
    assert "No teams match these filters" in none and "No teams yet" not in none
