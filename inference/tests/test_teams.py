"""The Teams page, and what becomes of things when a team or a member of it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, TeamQuerySet, User
from accounts.teams import services as team_services
from audit.models import AuditEvent
from inference.models import Conversation

ClientOf = Callable[[User], Client]
LIST = "/account/teams/"
ADMINISTRATORS = ["team-rename", "team-delete", "member-add"]


def url(name: str, team: Team, *more: object) -> str:
    return reverse(f"accounts:{name}", args=[team.pk, *more])


def shared_by(owner: User, team: Team) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Plans", visibility="team", team=team)


def last() -> AuditEvent:
    return AuditEvent.objects.latest("sequence")


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_lists_the_teams_one_belongs_to(client_of: ClientOf, bob: User, team: Team) -> None:
    Team.objects.create(name="Secret plans")
    page = text(client_of(bob).get(LIST))
    assert "Research" in page and "alice@example.org" in page
    assert "Secret plans" not in page


def test_it_tells_somebody_without_a_team_whom_to_ask(
    client_of: ClientOf, charlie: User, admin: User, team: Team
) -> None:
    page = text(client_of(charlie).get(LIST))
    assert "not in a team yet" in page and "admin@example.org" in page
    assert "Research" not in page and "New team" not in page


def test_it_offers_administrators_to_make_the_first_team(client_of: ClientOf, admin: User) -> None:
    assert "Create team" in text(client_of(admin).get(LIST))


def test_it_says_that_a_team_has_no_members(client_of: ClientOf, admin: User) -> None:
    Team.objects.create(name="Empty")
    assert "No members yet" in text(client_of(admin).get(LIST))


@pytest.mark.django_db
def test_it_sends_anonymous_visitors_to_the_log_in(client: Client) -> None:
    assert client.get(LIST).headers["Location"].startswith("/login/")


def test_it_asks_as_many_questions_for_many_teams_as_for_one(
    client_of: ClientOf, admin: User, team: Team, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client = client_of(admin)
    client.get(LIST)
    for number in range(20):
        other = Team.objects.create(name=f"Team {number}")
        Membership.objects.create(team=other, user=admin)
    with django_assert_max_num_queries(6):
        client.get(LIST)


def test_it_lists_the_first_members_of_many_oneself_first_and_all_on_the_teams_page(
    client_of: ClientOf, bob: User, team: Team
) -> None:
    User.objects.filter(pk=bob.pk).update(name="Zed")
    people = [User(email=f"anna-{number}@example.org", name=f"Anna {number:03}") for number in range(70)]
    Membership.objects.bulk_create(Membership(team=team, user=user) for user in User.objects.bulk_create(people))
    client = client_of(bob)
    listed = client.get(reverse("accounts:team-list")).content.decode()
    assert [listed.count(name) for name in ("<strong>Zed<", "alice@", "Anna ")] == [
        1,
        1,
        TeamQuerySet.FIRST_MEMBERS - 2,
    ]
    assert ("Leave</a>" in listed, "All 72 <span" in " ".join(listed.split())) == (True, True)
    url = reverse("accounts:team-detail", args=[team.pk])
    first = client.get(url)
    second, found = (client.get(url + query) for query in (first.context["page"].older, "?q=anna+069"))
    assert (text(first).count("since"), text(second).count("since")) == (50, 22)
    assert (text(found).count("since"), "Anna 069" in text(found)) == (1, True)


@pytest.mark.parametrize(
    ("query", "said"), [({"q": "nobody at all"}, "No members match these filters"), ({}, "No members yet")]
)
def test_it_says_that_nobody_matches_or_is_in_the_team(
    client_of: ClientOf, admin: User, query: dict[str, str], said: str
) -> None:
    path = reverse("accounts:team-detail", args=[Team.objects.create(name="Empty").pk])
    assert said in client_of(admin).get(path, query).content.decode()


def test_it_makes_a_team(client_of: ClientOf, admin: User) -> None:
    client_of(admin).post("/account/teams/add/", {"name": " Research "})
    team = Team.objects.get()
    assert team.name == "Research"
    assert (last().action, last().actor, last().target_id) == ("accounts:team:create", admin.audit_id, str(team.pk))


@pytest.mark.parametrize("name", ["research", "RESEARCH", "", "x" * 81, "a\0b"])
def test_it_refuses_a_name_that_is_taken_or_cannot_be(client_of: ClientOf, admin: User, team: Team, name: str) -> None:
    assert client_of(admin).post("/account/teams/add/", {"name": name}).status_code == 422
    assert Team.objects.count() == 1


def test_it_keeps_names_apart_in_the_database(team: Team) -> None:
    with pytest.raises(IntegrityError):
        Team.objects.create(name="RESEARCH")


def test_it_renames_a_team_also_to_another_case(client_of: ClientOf, admin: User, team: Team) -> None:
    client_of(admin).post(url("team-rename", team), {"name": "RESEARCH"})
    team.refresh_from_db()
    assert team.name == "RESEARCH"
    assert last().action == "accounts:team:rename"
    assert "Research" not in last().body and "Research" in last().details.content


def test_it_adds_a_member_from_the_next_request_on(
    client_of: ClientOf, admin: User, charlie: User, alice: User, team: Team
) -> None:
    conversation, client = shared_by(alice, team), client_of(charlie)
    assert client.get(conversation.get_absolute_url()).status_code == 404
    client_of(admin).post(url("member-add", team), {"email": "Charlie@example.org"})
    assert client.get(conversation.get_absolute_url()).status_code == 200
    assert (last().action, last().target_id) == ("accounts:member:add", str(charlie.audit_id))
    assert last().after == {"team": str(team.pk)}


@pytest.mark.parametrize("email", ["nobody@example.org", "alice@example.org", "no address", ""])
def test_it_adds_nobody_who_is_unknown_or_in_already(client_of: ClientOf, admin: User, team: Team, email: str) -> None:
    assert client_of(admin).post(url("member-add", team), {"email": email}).status_code == 422
    assert team.memberships.count() == 2


def test_it_adds_nobody_who_is_deactivated(client_of: ClientOf, admin: User, charlie: User, team: Team) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    assert client_of(admin).post(url("member-add", team), {"email": charlie.email}).status_code == 422


def test_it_removes_a_member_and_takes_back_what_that_one_shared(
    client_of: ClientOf, admin: User, alice: User, bob: User, team: Team
) -> None:
    of_alice, of_bob, client = shared_by(alice, team), shared_by(bob, team), client_of(bob)
    assert "1 conversation becomes private" in text(client_of(admin).get(url("member-remove", team, bob.pk)))
    removed = client_of(admin).post(url("member-remove", team, bob.pk))
    assert removed.headers["Location"] == url("team-detail", team)
    assert client.get(of_alice.get_absolute_url()).status_code == 404
    assert client_of(alice).get(of_bob.get_absolute_url()).status_code == 404
    assert client.get(of_bob.get_absolute_url()).status_code == 200
    assert (last().action, last().actor) == ("accounts:member:remove", admin.audit_id)
    assert last().after == {"team": str(team.pk), "private": {"conversation": 1}}


def test_it_lets_a_member_leave(client_of: ClientOf, bob: User, team: Team) -> None:
    assert "Leave “Research”?" in text(client_of(bob).get(url("member-remove", team, bob.pk)))
    assert team.memberships.count() == 2
    left = client_of(bob).post(url("member-remove", team, bob.pk))
    assert left.headers["Location"] == LIST
    assert list(Team.objects.of(bob)) == []
    assert (last().action, last().actor) == ("accounts:member:remove", bob.audit_id)


def test_it_lets_no_member_remove_another(client_of: ClientOf, bob: User, alice: User, team: Team) -> None:
    assert client_of(bob).post(url("member-remove", team, alice.pk)).status_code == 404
    assert team.memberships.count() == 2


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_answers_a_stranger_as_if_there_were_no_such_team(
    client_of: ClientOf, charlie: User, team: Team, method: str
) -> None:
    ask = getattr(client_of(charlie), method)
    for name in ADMINISTRATORS:
        here, nowhere = ask(url(name, team)), ask(reverse(f"accounts:{name}", args=[uuid4()]))
        assert (here.status_code, nowhere.status_code) == (403, 403)
    here = ask(url("member-remove", team, charlie.pk))
    nowhere = ask(reverse("accounts:member-remove", args=[uuid4(), charlie.pk]))
    assert (here.status_code, nowhere.status_code) == (404, 404)


@pytest.mark.parametrize("name", ADMINISTRATORS)
def test_it_refuses_a_member_what_administrators_do(client_of: ClientOf, bob: User, team: Team, name: str) -> None:
    data = {"name": "Research", "email": "charlie@example.org"}
    assert client_of(bob).post(url(name, team), data).status_code == 403
    assert team.memberships.count() == 2


def test_it_says_what_becomes_private_before_it_deletes(
    client_of: ClientOf, admin: User, alice: User, bob: User, team: Team
) -> None:
    shared_by(alice, team), shared_by(bob, team)
    page = text(client_of(admin).get(url("team-delete", team), headers={"HX-Request": "true"}))
    assert "2 conversations become private to their owners." in page and "<html" not in page
    wrong = client_of(admin).post(url("team-delete", team), {"name": "research"})
    assert wrong.status_code == 422 and Team.objects.exists()


def test_it_deletes_a_team_and_takes_back_what_was_shared_with_it(
    client_of: ClientOf, admin: User, alice: User, bob: User, team: Team
) -> None:
    conversation = shared_by(alice, team)
    client_of(admin).post(url("team-delete", team), {"name": "Research"})
    assert not Team.objects.exists()
    assert client_of(bob).get(conversation.get_absolute_url()).status_code == 404
    assert client_of(alice).get(conversation.get_absolute_url()).status_code == 200
    assert (last().action, last().target_id) == ("accounts:team:delete", str(team.pk))
    assert last().after == {"members": 2, "private": {"conversation": 1}}


def test_it_deletes_nothing_where_the_entry_cannot_be_written(alice: User, team: Team) -> None:
    conversation = shared_by(alice, team)
    nobody = cast(User, object())
    with pytest.raises(AttributeError):
        team_services.delete_team(team=team, actor=nobody)
    conversation.refresh_from_db()
    assert conversation.team == Team.objects.get()


def test_it_refuses_to_share_with_a_team_and_with_no_team(alice: User, team: Team) -> None:
    for fields in ({"visibility": "team"}, {"visibility": "everyone", "team": team}, {"team": team}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Conversation.objects.create(owner=alice, title="Odd", **fields)
