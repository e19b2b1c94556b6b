"""Ids for conversations that do not exist yet.

A page for a new conversation carries a signed id, so that its socket stays valid after the first message has stored
the conversation, and so that nobody can tell a stranger's conversation from one that does not exist.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.core import signing

if TYPE_CHECKING:
    from accounts.models import User

SALT = "inference.new-conversation"
VALID_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Reservation:
    conversation_id: UUID
    signed: str


def reserve(user: User) -> Reservation:
    conversation_id = uuid.uuid4()
    return Reservation(conversation_id, signing.dumps([str(conversation_id), user.pk], salt=SALT))


def verify(signed: str, user: User) -> UUID | None:
    """The reserved id, or None where the reservation is forged, too old, or somebody else's."""
    try:
        conversation_id, user_pk = signing.loads(signed, salt=SALT, max_age=VALID_SECONDS)
    except signing.BadSignature:
        return None
    return UUID(conversation_id) if user_pk == user.pk else None
