"""Every change to teams. Each locks the team first, so that nobody shares with it what they could not any more."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.actions import AccountsAction
from accounts.models import Membership, Team, User
from accounts.sharing import SharedQuerySet, lock_team, shared_with_team
from audit.services import record
from audit.text import counted


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
    Team.objects.filter(pk=team.pk).delete()
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


def humanize_privacy_loss(team: Team, *, owner: User | None = None) -> str:
    """What becomes private if the team, or the owner in it, goes.

    For example ``3 conversations and 1 provider key become private to their owners.``
    """
    counts = {str(rows.model._meta.verbose_name): rows.count() for rows in shared_with_team(team, owner=owner)}
    parts = [counted(count, name) for name, count in counts.items() if count]
    if not parts:
        return "Nothing shared becomes private."
    is_one = sum(counts.values()) == 1
    return f"{' and '.join(parts)} {'becomes private to its owner' if is_one else 'become private to their owners'}."


def _make_private(kinds: list[SharedQuerySet[Any]]) -> dict[str, int]:
    """How many, by the name of the model."""
    counts = {str(rows.model._meta.model_name): rows.make_private() for rows in kinds}
    return {name: count for name, count in counts.items() if count}


def _about(team: Team) -> dict[str, Any]:
    return {"after": {"team": str(team.pk)}, "details": {"team": team.name}}
