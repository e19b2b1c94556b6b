"""The members of teams, as pages show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Case, Count, Prefetch, When
from django.db.models.functions import Lower

from accounts.models import Membership, Team, User
from accounts.people.listing import matching

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Of each team on the page of teams; all of them are on the page of the team.
SHOWN = 10


def members_of(team: Team, *, text: str) -> QuerySet[Membership]:
    """Those whose name or address holds each word of ``text``, by name."""
    found = Membership.objects.filter(team=team, user__in=matching(text).order_by().values("pk"))
    return found.select_related("user").order_by("user__name", "user__email")


def named(teams: QuerySet[Team], *, text: str) -> QuerySet[Team]:
    """Those whose name holds each word of ``text``."""
    for word in text.split():
        teams = teams.filter(name__icontains=word)
    return teams


def with_first_members(teams: QuerySet[Team], *, viewer: User) -> QuerySet[Team]:
    """By name, with ``first_members``, the viewer first of all, and ``members_count``."""
    viewer_first = Case(When(user=viewer.pk, then=0), default=1)
    members = Membership.objects.select_related("user").order_by(viewer_first, "user__name", "user__email")[:SHOWN]
    counted = teams.annotate(members_count=Count("memberships")).order_by(Lower("name"))
    return counted.prefetch_related(Prefetch("memberships", members, to_attr="first_members"))
