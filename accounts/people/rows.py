"""Rows of the people page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Max
from django.db.models.functions import Greatest

from accounts.login.mfa import lacking_factor
from accounts.models import User

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
    kinds: dict[int, list[str]] = {}
    found = Authenticator.objects.filter(user__in=keys, type__in=_KINDS).order_by("type")
    for user_id, kind in found.values_list("user_id", "type"):
        kinds.setdefault(user_id, []).append(_KINDS[kind])
    return {user_id: ", ".join(_counted(names)) for user_id, names in kinds.items()}


def _counted(names: list[str]) -> list[str]:
    counts = {name: names.count(name) for name in names}
    return [name if count == 1 else f"{count} {name}s" for name, count in counts.items()]
