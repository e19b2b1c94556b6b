"""The keys with which programs act as their users."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.actions import AccountsAction
from accounts.login.mfa import lacks_factor
from accounts.models import ApiKey, User
from audit.services import record, record_denied

_FORM = re.compile(r"(ais_[0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_STAMP_EVERY = timedelta(minutes=1)


@transaction.atomic
def create(*, user: User, label: str, expires_at: datetime | None) -> tuple[ApiKey, str]:
    """Returns the key itself too, which is not stored."""
    text = f"ais_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
    made = ApiKey.objects.create(user=user, label=label, prefix=text[:16], digest=_digest(text), expires_at=expires_at)
    after = {"prefix": made.prefix, "expires_at": expires_at.isoformat() if expires_at else None}
    record(action=AccountsAction.API_KEY_CREATE, actor=user, target=made, after=after)
    return made, text


@transaction.atomic
def revoke(*, key: ApiKey, actor: User) -> None:
    """It is gone, and refused from the next request."""
    pk = key.pk
    key.delete()
    key.pk = pk
    record(action=AccountsAction.API_KEY_REVOKE, actor=actor, target=key, before={"prefix": key.prefix})


class KeyRefused(Exception):
    """``reason``: UNKNOWN, or why a key that we have made does not hold."""

    UNKNOWN, EXPIRED, INACTIVE, NO_SECOND_FACTOR = "unknown", "expired", "inactive", "no_second_factor"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def user_of(text: str) -> User:
    """The user of an API key. Raises KeyRefused. Both are recorded."""
    found = _FORM.fullmatch(text)
    key = ApiKey.objects.select_related("user").filter(prefix=found[1]).first() if found else None
    if key is None or not constant_time_compare(key.digest, _digest(text)):
        record_denied(action=AccountsAction.API_KEY_USE, actor=None, details={"reason": KeyRefused.UNKNOWN})
        raise KeyRefused(KeyRefused.UNKNOWN)
    if reason := _objection(key):
        record_denied(action=AccountsAction.API_KEY_USE, actor=key.user, target=key, details={"reason": reason})
        raise KeyRefused(reason)
    with transaction.atomic():
        if key.last_used_at is None or timezone.now() - key.last_used_at > _STAMP_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now())
        record(action=AccountsAction.API_KEY_USE, actor=key.user, target=key)
    return key.user


def _objection(key: ApiKey) -> str:
    if key.has_expired:
        return KeyRefused.EXPIRED
    if not key.user.is_active:
        return KeyRefused.INACTIVE
    return KeyRefused.NO_SECOND_FACTOR if lacks_factor(key.user) else ""


def _digest(text: str) -> str:
    """64 hexadecimal digits, keyed with the secret key of the server: a copy of the database proves no guess."""
    return salted_hmac("accounts.ApiKey", text, algorithm="sha256").hexdigest()
