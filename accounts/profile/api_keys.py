"""The keys with which programs act as their users.

A key has a public half, which names it, and a secret one, which contains the public half: programs send both (HTTP
Basic), or the secret one alone (Bearer).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.actions import AccountsAction
from accounts.compiled import CompiledQuery
from accounts.login.mfa import lacks_factor
from accounts.models import ApiKey, User
from accounts.profile import scopes as key_scopes
from audit.services import record, record_denied

_FORM = re.compile(r"(ais_[0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_KEY_FIELDS = [field.attname for field in ApiKey._meta.concrete_fields]
_USER_FIELDS = [field.attname for field in User._meta.concrete_fields]
_BY_PREFIX = CompiledQuery(
    lambda *, prefix: ApiKey.objects.filter(prefix=prefix).values_list(
        *_KEY_FIELDS, *(f"user__{name}" for name in _USER_FIELDS)
    )
)
# A use is recorded, and the last one stamped, no more often than this: programs ask hundreds of times a second.
NOTE_USE_EVERY = timedelta(minutes=1)


@transaction.atomic
def create(
    *,
    user: User,
    label: str,
    expires_at: datetime | None,
    scopes: Sequence[str] = (key_scopes.READ_AUDIT,),
    by_operator: bool = False,
) -> tuple[ApiKey, str]:
    """The key and its secret half, which is known now and never again. Raises ScopeRefused."""
    key_scopes.check(scopes)
    secret = f"ais_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
    made = ApiKey.objects.create(
        user=user,
        label=label,
        prefix=secret[:16],
        digest=_digest(secret),
        expires_at=expires_at,
        scopes=list(dict.fromkeys(scopes)),
    )
    after = {
        "prefix": made.prefix,
        "scopes": made.scopes,
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
    record(action=AccountsAction.API_KEY_CREATE, actor=None if by_operator else user, target=made, after=after)
    return made, secret


@transaction.atomic
def revoke(*, key: ApiKey, actor: User) -> None:
    """It is gone, and refused from the next request."""
    ApiKey.objects.filter(pk=key.pk).delete()
    record(action=AccountsAction.API_KEY_REVOKE, actor=actor, target=key, before={"prefix": key.prefix})


class KeyRefused(Exception):
    """``reason``: UNKNOWN, or why a key that we have made does not hold."""

    UNKNOWN, EXPIRED, INACTIVE, NO_SECOND_FACTOR = "unknown", "expired", "inactive", "no_second_factor"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def authenticate(secret: str, *, public: str | None = None) -> ApiKey:
    """The key, with its ``user``. ``public`` is the public half where a program has sent it too.

    Raises KeyRefused. That is recorded, and so are the uses of a key, but no more often than ``NOTE_USE_EVERY``.
    """
    found = _FORM.fullmatch(secret)
    key = _key_with(found[1]) if found and public in (None, found[1]) else None
    if key is None or not constant_time_compare(key.digest, _digest(secret)):
        record_denied(action=AccountsAction.API_KEY_USE, actor=None, details={"reason": KeyRefused.UNKNOWN})
        raise KeyRefused(KeyRefused.UNKNOWN)
    if reason := _objection(key):
        record_denied(action=AccountsAction.API_KEY_USE, actor=key.user, target=key, details={"reason": reason})
        raise KeyRefused(reason)
    _note_use(key)
    return key


def _key_with(prefix: str) -> ApiKey | None:
    rows = _BY_PREFIX.rows(prefix=prefix)
    if not rows:
        return None
    key = ApiKey.from_db(DEFAULT_DB_ALIAS, _KEY_FIELDS, rows[0][: len(_KEY_FIELDS)])
    key.user = User.from_db(DEFAULT_DB_ALIAS, _USER_FIELDS, rows[0][len(_KEY_FIELDS) :])
    return key


def _note_use(key: ApiKey) -> None:
    noted_before = timezone.now() - NOTE_USE_EVERY
    if key.last_used_at is not None and key.last_used_at > noted_before:
        return
    with transaction.atomic():
        # Of requests at the same time, the others find the stamp of the first once it has committed.
        stale = ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=noted_before), pk=key.pk)
        if stale.update(last_used_at=timezone.now()):
            record(action=AccountsAction.API_KEY_USE, actor=key.user, target=key)


def _objection(key: ApiKey) -> str:
    if key.has_expired:
        return KeyRefused.EXPIRED
    if not key.user.is_active:
        return KeyRefused.INACTIVE
    return KeyRefused.NO_SECOND_FACTOR if lacks_factor(key.user) else ""


def _digest(secret: str) -> str:
    """64 hexadecimal digits, keyed with the secret key of the server: a copy of the database proves no guess."""
    return salted_hmac("accounts.ApiKey", secret, algorithm="sha256").hexdigest()
