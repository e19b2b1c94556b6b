"""The members of teams, as pages show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Case, Count, Prefetch, When

from accounts.models import Membership, Team, User

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Of each team on the page of teams; all of them are on the page of the team.
SHOWN = 10


def with_first_members(teams: QuerySet[Team], *, viewer: User) -> QuerySet[Team]:
    """With ``first_members``, the viewer first of all, and ``members_count``."""
    viewer_first = Case(When(user=viewer.pk, then=0), default=1)
    members = Membership.objects.select_related("user").order_by(viewer_first, "user__name", "user__email")[:SHOWN]
    counted = teams.annotate(members_count=Count("memberships"))
    return counted.prefetch_related(Prefetch("memberships", members, to_attr="first_members"))
