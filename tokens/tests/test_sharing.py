"""Who may use a token, who may share it, and what those see with whom it is shared."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts.models import Membership, Team, User
from accounts.sharing import EVERYONE, PRIVATE, Audience, Visibility
from accounts.teams.services import remove_member
from audit.models import AuditEvent
from tokens import services
from tokens.models import ProviderToken
from tokens.tests.conftest import SECRET

ClientOf = Callable[[User], Client]
Make = Callable[..., ProviderToken]


@pytest.fixture
def with_team(team: Team) -> Audience:
    return Audience(Visibility.TEAM, team)


def update(token: ProviderToken, actor: User, audience: Audience) -> ProviderToken:
    fields: dict[str, Any] = {name: getattr(token, name) for name in ("label", "base_url", "expires_at")}
    return services.update_token(token=token, actor=actor, audience=audience, **fields)


def page_of(client: Client) -> str:
    return client.get("/tokens/").content.decode()


def test_it_lets_a_member_use_what_is_shared_with_the_team(
    token_of: Make, alice: User, bob: User, charlie: User, admin: User, with_team: Audience
) -> None:
    token = token_of(alice, audience=with_team)
    assert services.open_token(token_id=token.pk, actor=bob) == SECRET
    for user in (charlie, admin):
        assert services.pick_token(user=user, provider="openai") is None
        with pytest.raises(ProviderToken.DoesNotExist):
            services.open_token(token_id=token.pk, actor=user)


def test_it_lets_an_ex_member_use_it_no_more(
    token_of: Make, alice: User, bob: User, with_team: Audience, team: Team
) -> None:
    token = token_of(alice, audience=with_team)
    remove_member(team=team, user=bob, actor=alice)
    assert services.pick_token(user=bob, provider="openai") is None
    with pytest.raises(ProviderToken.DoesNotExist):
        services.open_token(token_id=token.pk, actor=bob)


def test_it_makes_a_token_private_whose_owner_leaves(
    token_of: Make, alice: User, bob: User, with_team: Audience, team: Team
) -> None:
    token = token_of(alice, audience=with_team)
    remove_member(team=team, user=alice, actor=alice)
    token.refresh_from_db()
    assert token.audience == PRIVATE
    assert services.pick_token(user=bob, provider="openai") is None


def test_it_picks_the_own_then_the_teams_then_everyones(
    token_of: Make, alice: User, bob: User, admin: User, with_team: Audience
) -> None:
    everyones = token_of(admin, audience=EVERYONE)
    assert services.pick_token(user=bob, provider="openai") == everyones
    teams = token_of(alice, audience=with_team)
    token_of(admin, audience=EVERYONE)
    assert services.pick_token(user=bob, provider="openai") == teams
    own = token_of(bob)
    assert services.pick_token(user=bob, provider="openai") == own


def test_it_lets_a_member_share_with_the_own_team_alone(
    token_of: Make, alice: User, charlie: User, with_team: Audience
) -> None:
    assert token_of(alice, audience=with_team).audience == with_team
    for user, audience in ((charlie, with_team), (alice, EVERYONE)):
        with pytest.raises(PermissionDenied):
            token_of(user, audience=audience)
        with pytest.raises(PermissionDenied):
            update(token_of(user), user, audience)


def test_it_lets_administrators_share_with_any_team(token_of: Make, admin: User, with_team: Audience) -> None:
    assert token_of(admin, audience=with_team).audience == with_team


def test_it_lets_administrators_of_a_team_take_back_and_open_no_further(
    token_of: Make, alice: User, admin: User, with_team: Audience, team: Team
) -> None:
    token = token_of(alice, audience=with_team)
    assert not ProviderToken.objects.editable_by(admin).exists()
    Membership.objects.create(team=team, user=admin)
    assert ProviderToken.objects.editable_by(admin).get() == token
    with pytest.raises(PermissionDenied):
        update(token, admin, EVERYONE)
    assert update(token, admin, PRIVATE).audience == PRIVATE


def test_it_records_with_whom_a_token_is_shared(token: ProviderToken, alice: User, with_team: Audience) -> None:
    update(token, alice, with_team)
    event = AuditEvent.objects.latest("sequence")
    assert event.action == "tokens:token:share"
    assert event.before and event.after
    assert (event.before["visibility"], event.before["team"]) == ("private", None)
    assert (event.after["visibility"], event.after["team"]) == ("team", with_team.key)
    update(token, alice, with_team)
    assert AuditEvent.objects.latest("sequence").action == "tokens:token:update"


def test_it_shows_a_member_what_the_token_is_and_not_what_its_owner_does_with_it(
    token_of: Make, admin: User, bob: User, with_team: Audience, client_of: ClientOf
) -> None:
    token = token_of(admin, label="Budget", base_url="https://inside.example.org/v1", audience=with_team)
    ProviderToken.objects.update(state="refused", check_message="Organisation acme is over quota")
    page = page_of(client_of(bob))
    assert "Budget" in page and "Shared by Admin with the team Research" in page and token.hint in page
    for hidden in ("inside.example.org", "acme", "Never used", "/edit/", "/check/", "/replace/", "/delete/"):
        assert hidden not in page


@pytest.mark.parametrize("step", ["edit", "replace", "delete", "check", "default"])
def test_it_answers_a_member_as_if_there_were_no_such_token(
    token_of: Make, alice: User, bob: User, with_team: Audience, confirmed_client_of: ClientOf, step: str
) -> None:
    token = token_of(alice, audience=with_team)
    assert confirmed_client_of(bob).post(f"/tokens/{token.pk}/{step}/").status_code == 404


def test_it_lists_with_a_fixed_number_of_questions(
    token_of: Make,
    alice: User,
    bob: User,
    with_team: Audience,
    client_of: ClientOf,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    client = client_of(bob)
    page_of(client)
    for number in range(10):
        token_of(alice, label=f"Token {number}", audience=with_team)
    with django_assert_max_num_queries(6):
        assert "Token 9" in page_of(client)


def test_it_shares_by_the_form(
    token: ProviderToken, alice: User, client_of: ClientOf, with_team: Audience, team: Team
) -> None:
    Team.objects.create(name="Strangers")
    client, path = client_of(alice), f"/tokens/{token.pk}/edit/"
    page = client.get(path).content.decode()
    assert "Team Research" in page and "Strangers" not in page and "Everyone" not in page
    data = {"label": "Main", "audience": str(team.pk)}
    assert client.post(path, data).status_code == 302
    token.refresh_from_db()
    assert token.audience == with_team
    assert client.post(path, data | {"audience": "everyone"}).status_code == 422


def test_it_asks_nobody_without_a_team_with_whom_to_share(client_of: ClientOf, charlie: User) -> None:
    assert "Shared with" not in client_of(charlie).get("/tokens/add/").content.decode()


def add(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(f"{SECRET}\n"))
    names = ("--owner", "alice@example.org", "--provider", "openai", "--label", "Main", "--no-check")
    call_command("add_token", *names, *arguments)


def test_it_adds_a_token_for_a_team_by_command(monkeypatch: pytest.MonkeyPatch, with_team: Audience) -> None:
    add(monkeypatch, "--team", "research")
    assert ProviderToken.objects.get().audience == with_team


def test_it_names_a_team_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    with pytest.raises(CommandError, match="There is no team Nobodies"):
        add(monkeypatch, "--team", "Nobodies")


def test_it_shares_with_a_team_or_with_everyone(monkeypatch: pytest.MonkeyPatch, team: Team) -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        add(monkeypatch, "--team", "Research", "--shared")
