"""Visibility: an object is private to its owner, shared with one team, or with everyone.

Every ``Shared`` model gets its rights from here, so that pages, sockets, exports and commands ask the same question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from django import forms
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import OuterRef, Q

from accounts.models import Membership, Team, User
from audit.actions import Action
from audit.services import record

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Visibility(models.TextChoices):
    PRIVATE = "private", "Nobody"
    TEAM = "team", "A team"
    EVERYONE = "everyone", "Everyone"


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom something is shared with. ``team`` is there exactly where ``visibility`` is TEAM."""

    visibility: Visibility
    team: Team | None = None

    def __str__(self) -> str:
        """``nobody``, ``the team Research`` or ``everyone``: for the middle of a sentence."""
        return f"the team {self.team}" if self.team else str(self.visibility.label).lower()

    @property
    def title(self) -> str:
        return f"Team {self.team}" if self.team else str(self.visibility.label)

    @property
    def key(self) -> str:
        """The value in a form."""
        return str(self.team.pk) if self.team else self.visibility.value

    def as_audited(self) -> dict[str, Any]:
        return {"visibility": self.visibility.value, "team": str(self.team.pk) if self.team else None}


PRIVATE, EVERYONE = Audience(Visibility.PRIVATE), Audience(Visibility.EVERYONE)

M = TypeVar("M", bound="Shared")


class SharedQuerySet(models.QuerySet[M], Generic[M]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The user's own, what is shared with everyone, and with a team of the user's. No row comes twice."""
        return self.filter(_is_visible(user.pk)) if user.is_active else self.none()

    def visible_to_each(self, user: OuterRef) -> Self:
        """The same within a query about users, all of them active."""
        return self.filter(_is_visible(user))

    def shared_with(self, user: User | AnonymousUser) -> Self:
        """What others let the user see."""
        return self.filter(_reaches(user.pk)).exclude(owner_id=user.pk) if user.is_active else self.none()

    def owned_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(owner_id=user.pk) if user.is_active else self.none()

    def editable_by(self, user: User | AnonymousUser) -> Self:
        return self.owned_by(user)

    def make_private(self) -> int:
        """Returns how many there were."""
        return self.update(visibility=Visibility.PRIVATE, team=None)


def _reaches(user: int | OuterRef | None) -> Q:
    member = OuterRef(user) if isinstance(user, OuterRef) else user
    teams = Membership.objects.filter(user=member).values("team")
    return Q(visibility=Visibility.EVERYONE) | Q(visibility=Visibility.TEAM, team__in=teams)


def _is_visible(user: int | OuterRef | None) -> Q:
    return Q(owner=user) | _reaches(user)


class Shared(models.Model):
    """For models with an ``owner``. Their queryset extends SharedQuerySet."""

    visibility = models.CharField("shared with", max_length=10, choices=Visibility, default=Visibility.PRIVATE)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")

    if TYPE_CHECKING:
        owner: models.ForeignKey[User, User]
        owner_id: int

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(visibility="team", team__isnull=False) | (~Q(visibility="team") & Q(team__isnull=True)),
                name="%(class)s_has_a_team_or_not",
            ),
        ]

    @property
    def audience(self) -> Audience:
        return Audience(Visibility(self.visibility), self.team)

    @audience.setter
    def audience(self, audience: Audience) -> None:
        self.visibility, self.team = audience.visibility, audience.team

    @property
    def is_shared(self) -> bool:
        return self.visibility != Visibility.PRIVATE


def audiences_for(user: User, *, everyone: bool) -> list[Audience]:
    """What the user may choose from: the user's teams, for administrators all of them."""
    teams = [Audience(Visibility.TEAM, team) for team in Team.objects.visible_to(user)]
    return [PRIVATE, *teams, *([EVERYONE] if everyone else [])]


class AudienceField(forms.ChoiceField):
    """Cleans to one of the audiences offered; an empty value means private."""

    def __init__(self, offered: Sequence[Audience], **kwargs: Any) -> None:
        self._offered = {audience.key: audience for audience in offered}
        choices = [(key, audience.title) for key, audience in self._offered.items()]
        super().__init__(choices=choices, label="Shared with", **kwargs)

    def clean(self, value: Any) -> Audience:
        return self._offered[super().clean(value)] if value else PRIVATE


def with_current(offered: Sequence[Audience], current: Audience) -> list[Audience]:
    """Adds the current audience, which may stay even if the user could not choose it now."""
    return list(offered) if current in offered else [*offered, current]


def lock_team(team: Team | None) -> None:
    """Until the transaction ends it cannot go, nor can anybody leave it. Comes before all other locks."""
    if team is not None:
        list(Team.objects.filter(pk=team.pk).order_by().select_for_update(no_key=True).values_list("pk"))


def check_team(*, audience: Audience, actor: User | None) -> None:
    """Raises PermissionDenied where the team is not the actor's. Lock it first. ``actor`` None is the operator."""
    if audience.team is None or actor is None:
        return
    if not Team.objects.visible_to(actor).filter(pk=audience.team.pk).exists():
        raise PermissionDenied("Only members of a team and administrators share with it.")


@transaction.atomic
def share(thing: Shared, *, audience: Audience, actor: User, action: Action) -> None:
    """Let others see it, as ``thing`` shows from now on. Raises PermissionDenied where the team is not the actor's."""
    lock_team(audience.team)
    things = cast(SharedQuerySet[Any], type(thing)._default_manager)
    locked = things.select_related("owner", "team").select_for_update(no_key=True, of=("self",))
    stored = locked.get(pk=thing.pk)
    before = stored.audience
    if audience == before:
        return
    check_team(audience=audience, actor=actor)
    thing.audience = stored.audience = audience
    stored.save(update_fields=["visibility", "team"])
    record(action=action, actor=actor, target=stored, before=before.as_audited(), after=audience.as_audited())


def shared_models() -> list[type[Shared]]:
    return [model for model in apps.get_models() if issubclass(model, Shared)]


def shared_with_team(team: Team, *, owner: User | None = None) -> list[SharedQuerySet[Any]]:
    """One queryset per model: what the ``owner``, or anybody, shares with the team."""
    kinds = [cast(SharedQuerySet[Any], model._default_manager.filter(team=team)) for model in shared_models()]
    return kinds if owner is None else [things.owned_by(owner) for things in kinds]
