"""Export and erasure of the personal data of this app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from accounts.models import Invitation, User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from audit.models import AuditEvent
from audit.table_export import row_of

_PROFILE = (
    "email", "name", "role", "is_active", "audit_id", "theme", "time_zone", "default_provider", "default_model",
    "enter_key", "title_source",
    "date_joined", "last_login",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reader:
    """Sees of the audit log what anybody sees of theirs, administrators no more than others."""

    audit_id: UUID
    is_administrator: bool = False


def export(user: User) -> Iterator[Values]:
    yield values_of(user, "profile", *_PROFILE)
    for session in in_batches(user.sessions.all()):
        yield values_of(session, "session", "device", "user_agent", "address", "started_at", "last_seen_at")
    for key in in_batches(user.api_keys.all()):
        yield values_of(key, "api_key", "label", "prefix", "scopes", "created_at", "expires_at", "last_used_at")
    for membership in in_batches(user.memberships.select_related("team")):
        yield {"kind": "team", "name": membership.team.name, "since": membership.created_at}
    for invitation in in_batches(Invitation.objects.filter(Q(user=user) | Q(email=user.email, user=None))):
        yield values_of(invitation, "invitation", "email", "name", "role", "created_at", "expires_at")
    yield from _of_other_apps(user)
    about = AuditEvent.objects.filter(Q(actor=user.audit_id) | Q(owner=user.audit_id)).select_related("details")
    for event in in_batches(about):
        yield {"kind": "audit_entry", **row_of(event, _Reader(user.audit_id))}


def _of_other_apps(user: User) -> Iterator[Values]:
    for factor in in_batches(Authenticator.objects.filter(user=user)):
        yield values_of(factor, "second_factor", "type", "created_at", "last_used_at")
    for address in in_batches(EmailAddress.objects.filter(user=user)):
        yield values_of(address, "e-mail_address", "email", "verified", "primary")
    for account in in_batches(SocialAccount.objects.filter(user=user)):
        yield values_of(account, "single_sign_on", "provider", "uid", "date_joined", "last_login", "extra_data")
    for entry in in_batches(LogEntry.objects.filter(user=user)):
        yield values_of(entry, "admin_log", "action_time", "object_repr", "action_flag", "change_message")


def erase(user: User, actor: User | None) -> dict[str, int]:
    """Deletes what does not cascade with the account."""
    this = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=this, object_id=str(user.pk)).delete()
    Invitation.objects.filter(email=user.email, user=None).delete()
    return {"teams": user.memberships.count(), "keys": user.api_keys.count()}


HANDLER = PersonalDataHandler(
    "accounts",
    export,
    erase,
    frozenset(
        {
            "accounts.usersession.user",
            "accounts.apikey.user",
            "accounts.membership.user",
            "accounts.invitation.user",
            "mfa.authenticator.user",
            "account.emailaddress.user",
            "socialaccount.socialaccount.user",
            "admin.logentry.user",
        }
    ),
)
