"""Rows of the people page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Count, Max
from django.db.models.functions import Greatest

from accounts.login.mfa import lacking_factor
from accounts.models import User
from audit.text import counted

_KINDS = {Authenticator.Type.TOTP: "app", Authenticator.Type.WEBAUTHN: "passkey"}


@dataclass(frozen=True, slots=True)
class Person:
    """``factors`` is "app, 2 passkeys" or empty; ``must_add_factor`` where the policy asks for one."""

    user: User
    last_seen_at: datetime | None
    factors: str
    must_add_factor: bool


def persons(users: Iterable[User]) -> list[Person]:
    users = list(users)
    keys = [user.pk for user in users]
    seen = dict(
        User.objects.filter(pk__in=keys)
        .annotate(seen=Greatest("last_login", Max("sessions__last_seen_at")))
        .values_list("pk", "seen")
    )
    lacking = set(lacking_factor().filter(pk__in=keys).values_list("pk", flat=True))
    factors = _factors(keys)
    return [Person(user, seen[user.pk], factors.get(user.pk, ""), user.pk in lacking) for user in users]


def _factors(keys: list[int]) -> dict[int, str]:
    factors: dict[int, str] = {}
    found = Authenticator.objects.filter(user__in=keys, type__in=_KINDS).order_by("type")
    for user_id, kind, count in found.values_list("user_id", "type").annotate(Count("pk")):
        name = _KINDS[kind] if count == 1 else counted(count, _KINDS[kind])
        factors[user_id] = f"{factors[user_id]}, {name}" if user_id in factors else name
    return factors
