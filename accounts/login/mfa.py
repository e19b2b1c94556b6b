"""Second factors: who must have one, and what we change in django-allauth's."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.actions import AccountsAction
from accounts.models import Role, User
from accounts.services import record_failed_login
from audit.actions import Outcome
from audit.services import record, record_denied


class MFAAdapter(DefaultMFAAdapter):
    # Says nothing of how far a code is off: whoever guesses would learn codes that are going to be right.
    error_messages: ClassVar[dict[str, str]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "Incorrect code. If every code is, let the device with the app set its clock by itself.",
    }

    def build_totp_svg(self, url: str) -> str:
        """An element of the page itself, since the Content-Security-Policy allows no ``data:`` image."""
        document: str = super().build_totp_svg(url)
        return document.partition("?>")[2]

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return f"Passkey {number}" if number > 1 else "Passkey"


def lacking_factor() -> QuerySet[User]:
    """Those who must have a second factor by ``AISTRALE_MFA`` and have none. Recovery codes alone are none."""
    having = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).values("user")
    lacking = User.objects.exclude(pk__in=having)
    if settings.MFA_POLICY == "administrators":
        return lacking.filter(role=Role.ADMINISTRATOR)
    return lacking if settings.MFA_POLICY == "all" else lacking.none()


def without_lacking(users: QuerySet[User]) -> QuerySet[User]:
    """Leave out those who must have a second factor and have none."""
    return users if settings.MFA_POLICY == "optional" else users.exclude(pk__in=lacking_factor().values("pk"))


def lacks_factor(user: User) -> bool:
    return settings.MFA_POLICY != "optional" and lacking_factor().filter(pk=user.pk).exists()


def throttle_key(user: User) -> str:
    """The key of the rate limit of wrong codes and passkeys of a known user."""
    return f"mfa {user.pk}"


@transaction.atomic
def remove_factors(*, user: User, actor: User | None) -> bool:
    """Removes all factors of a user who has lost them; returns False where there were none."""
    kinds = sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    if kinds:
        Authenticator.objects.filter(user=user).delete()
        record(action=AccountsAction.MFA_REMOVE, actor=actor, target=user, before={"factors": kinds})
    return bool(kinds)


def record_added(*, instance: Authenticator, created: bool, **_: Any) -> None:
    """Receives Django's signal that a factor was saved."""
    if created:
        user, after = instance.user, {"factors": [instance.type]}
        record(action=AccountsAction.MFA_ADD, actor=user, target=user, after=after)


def record_not_added(*, user: User, kind: Authenticator.Type) -> None:
    details = {"factor": str(kind)}
    record_denied(action=AccountsAction.MFA_ADD, actor=user, target=user, outcome=Outcome.FAILED, details=details)


def record_removed(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Receives the signal that somebody removed an own factor."""
    record(action=AccountsAction.MFA_REMOVE, actor=user, target=user, before={"factors": [authenticator.type]})


@transaction.atomic
def record_used(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Receives the signal of every use of a factor. Log-ins are recorded as such; the use of a recovery code also."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        record(action=AccountsAction.MFA_RECOVER, actor=user, target=user)


def record_failed(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Receives the signal of a wrong code."""
    record_failed_login(user=user, factor=str(authenticator.type))
