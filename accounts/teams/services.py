"""Every change to teams. Each locks the team first, so that nobody shares with it what they could not any more."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.actions import AccountsAction
from accounts.models import Membership, Team, User
from accounts.sharing import SharedQuerySet, lock_team, shared_with_team
from audit.services import record


@transaction.atomic
def create_team(*, name: str, actor: User) -> Team:
    team = Team.objects.create(name=name)
    record(action=AccountsAction.TEAM_CREATE, actor=actor, target=team)
    return team


@transaction.atomic
def rename_team(*, team: Team, name: str, actor: User) -> None:
    lock_team(team)
    before = Team.objects.get(pk=team.pk).name
    team.name = name
    team.save(update_fields=["name"])
    record(action=AccountsAction.TEAM_RENAME, actor=actor, target=team, details={"name_before": before})


@transaction.atomic
def delete_team(*, team: Team, actor: User) -> None:
    """What was shared with it becomes private to its owners."""
    lock_team(team)
    members = team.memberships.count()
    made_private = _make_private(shared_with_team(team))
    pk = team.pk
    team.delete()
    team.pk = pk
    record(
        action=AccountsAction.TEAM_DELETE, actor=actor, target=team, after={"members": members, "private": made_private}
    )


@transaction.atomic
def add_member(*, team: Team, user: User, actor: User) -> bool:
    """False where the user belongs to it already."""
    lock_team(team)
    _, is_new = Membership.objects.get_or_create(team=team, user=user)
    if is_new:
        record(action=AccountsAction.MEMBER_ADD, actor=actor, target=user, **_about(team))
    return is_new


@transaction.atomic
def remove_member(*, team: Team, user: User, actor: User) -> bool:
    """What the user shared with the team becomes private. False where the user did not belong to it."""
    lock_team(team)
    removed, _ = Membership.objects.filter(team=team, user=user).delete()
    if removed:
        made_private = _make_private(shared_with_team(team, owner=user))
        about = _about(team)
        about["after"] |= {"private": made_private}
        record(action=AccountsAction.MEMBER_REMOVE, actor=actor, target=user, **about)
    return bool(removed)


def becomes_private(team: Team, *, owner: User | None = None) -> list[tuple[str, int]]:
    """What would become private if the team, or the owner in it, went: for example ``("conversation", 3)``."""
    counted = [(str(things.model._meta.verbose_name), things.count()) for things in shared_with_team(team, owner=owner)]
    return [(name, count) for name, count in counted if count]


def humanize_privacy_loss(team: Team, *, owner: User | None = None) -> str:
    """For example ``3 conversations and 1 provider key become private to their owners.``"""
    kinds = becomes_private(team, owner=owner)
    parts = [f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in kinds]
    one = sum(count for _, count in kinds) == 1
    if not parts:
        return "Nothing shared becomes private."
    return f"{' and '.join(parts)} {'becomes private to its owner' if one else 'become private to their owners'}."


def _make_private(kinds: list[SharedQuerySet[Any]]) -> dict[str, int]:
    """How many, by the name of the model."""
    counts = {str(things.model._meta.model_name): things.make_private() for things in kinds}
    return {name: count for name, count in counts.items() if count}


def _about(team: Team) -> dict[str, Any]:
    return {"after": {"team": str(team.pk)}, "details": {"team": team.name}}
