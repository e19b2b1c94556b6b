"""Inviting people: one link makes one account, once, within a week."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.actions import AccountsAction
from accounts.admission import release_slot
from accounts.mail import sending
from accounts.models import Invitation, Role, User
from audit.services import record

GOOD_FOR = timedelta(days=7)


class Invited(NamedTuple):
    """The link is known now and never again."""

    invitation: Invitation
    link: str


class InvitationRefused(Exception):
    """A link that lets nobody in. ``reason`` is one of the constants below."""

    UNKNOWN, USED, REVOKED, EXPIRED, TAKEN, OTHER_USER = "unknown", "used", "revoked", "expired", "taken", "other_user"

    def __init__(self, reason: str, invitation: Invitation | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.invitation = invitation


class AlreadyUser(ValueError):
    """Somebody has an account with this address."""


def open_invitations() -> QuerySet[Invitation]:
    return Invitation.objects.filter(user=None, revoked_at=None, expires_at__gt=timezone.now())


@transaction.atomic
def invite(*, email: str, role: Role, actor: User, name: str = "") -> Invited:
    """Takes the place of an invitation that was still open. Raises AlreadyUser."""
    email = email.strip().lower()
    if User.objects.filter(email=email).exists():
        raise AlreadyUser
    earlier = Invitation.objects.filter(email=email, user=None)
    audit_id = earlier.values_list("audit_id", flat=True).first() or uuid4()
    open_invitations().filter(email=email).update(revoked_at=timezone.now())
    earlier.filter(expires_at__lte=timezone.now()).delete()
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email=email,
        name=name,
        role=role,
        digest=_digest(token),
        audit_id=audit_id,
        invited_by=actor,
        expires_at=timezone.now() + GOOD_FOR,
    )
    record(action=AccountsAction.INVITATION_CREATE, actor=actor, target=invitation, after={"role": role})
    return Invited(invitation, f"{settings.PUBLIC_ORIGIN}{reverse('invitation', args=[token])}")


@transaction.atomic
def revoke(*, invitation: Invitation, actor: User) -> bool:
    """False where it is open no longer."""
    if not open_invitations().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
        return False
    record(action=AccountsAction.INVITATION_REVOKE, actor=actor, target=invitation)
    return True


@transaction.atomic
def remove(*, invitation: Invitation, actor: User) -> None:
    """Withdraws it where it is open, and forgets it."""
    if not revoke(invitation=invitation, actor=actor):
        state = invitation.state.value
        record(action=AccountsAction.INVITATION_DELETE, actor=actor, target=invitation, before={"state": state})
    Invitation.objects.filter(pk=invitation.pk).delete()


def find(token: str) -> Invitation:
    """The open invitation that a link is for. Raises InvitationRefused."""
    invitation = Invitation.objects.filter(digest=_digest(token)).first()
    if invitation is None:
        raise InvitationRefused(InvitationRefused.UNKNOWN)
    _require_open(invitation)
    return invitation


def accept(*, token: str, name: str, password: str, time_zone: str = "UTC") -> User:
    """Makes the account, once however often it is asked for at once. Raises InvitationRefused."""
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().filter(digest=_digest(token)).first()
        if invitation is None:
            raise InvitationRefused(InvitationRefused.UNKNOWN)
        _require_open(invitation)
        user = User(
            email=invitation.email,
            name=name,
            role=invitation.role,
            audit_id=invitation.audit_id,
            time_zone=time_zone,
        )
        user.set_password(password)
        # Not save: of two invitations of one address that are accepted at once, the second one waits here and finds it.
        User.objects.bulk_create([user], ignore_conflicts=True)
        made = User.objects.filter(audit_id=user.audit_id, email=user.email).first()
        if made is None or made.password != user.password:
            raise InvitationRefused(InvitationRefused.TAKEN, invitation)
        invitation.user = made
        invitation.save(update_fields=["user"])
        record(action=AccountsAction.INVITATION_ACCEPT, actor=made, target=made, after={"role": made.role})
    return made


def send(*, invited: Invited) -> None:
    """By mail. Raises MailNotSent; the invitation is as good without it."""
    invitation, link = invited
    context = {"invitation": invitation, "link": link, "days": GOOD_FOR.days}
    text = render_to_string("accounts/email/invitation.txt", context)
    with release_slot(), sending():
        send_mail("Your invitation to AISTRALE", text, None, [invitation.email])


def _require_open(invitation: Invitation) -> None:
    """Raises InvitationRefused."""
    if invitation.state != Invitation.State.OPEN:
        raise InvitationRefused(invitation.state.value, invitation)
    if User.objects.filter(email=invitation.email).exists():
        raise InvitationRefused(InvitationRefused.TAKEN, invitation)


def _digest(token: str) -> str:
    """64 hexadecimal digits. A token is random enough to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
