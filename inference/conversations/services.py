"""A person's conversations: the list beside the chat, and every change to one that is not a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction

from audit.services import record
from inference.actions import InferenceAction
from inference.models import Conversation

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 20


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list shows: conversations that match ``query``, current or archived, at most ``shown`` of them.

    ``shared``: other people's that the user may read, instead of the user's own.
    """

    query: str = ""
    archived: bool = False
    shared: bool = False
    shown: int = PAGE


@dataclass(frozen=True, slots=True)
class Sidebar:
    """The conversations that ``filters`` leave; ``current`` is the one on the page."""

    pinned: list[Conversation]
    rest: list[Conversation]
    filters: Filters
    has_more: bool
    current: UUID | None = None

    @property
    def takes_new(self) -> bool:
        """Whether a conversation that is begun now belongs to what is shown."""
        return not (self.filters.query or self.filters.archived or self.filters.shared)

    @property
    def more_url(self) -> str:
        """The same list with another page of it, on whatever page it stands."""
        flags = {name: "1" for name in ("archived", "shared") if getattr(self.filters, name)}
        return "?" + urlencode({"q": self.filters.query, **flags, "shown": self.filters.shown + PAGE})


def sidebar_of(user: User, *, filters: Filters | None = None, current: UUID | None = None) -> Sidebar:
    """The user's conversations, pinned ones first, then the newest. Others' pins and lists are their own affair."""
    filters = filters or Filters()
    found = Conversation.objects.shared_with(user) if filters.shared else Conversation.objects.owned_by(user)
    found = found.archived() if filters.archived else found.current()
    if filters.query:
        found = found.search(filters.query)
    order = ["-updated_at"] if filters.shared else ["-is_pinned", "-updated_at"]
    listed = list(found.select_related("owner", "team").order_by(*order)[: filters.shown + 1])
    has_more = len(listed) > filters.shown
    rows = listed[: filters.shown]
    pinned = [row for row in rows if row.is_pinned and not filters.shared]
    rest = [row for row in rows if row not in pinned]
    return Sidebar(pinned, rest, filters, has_more, current)


def rename_conversation(*, conversation: Conversation, title: str) -> None:
    conversation.title = title
    conversation.save(update_fields=["title"])


def set_pinned(*, conversation: Conversation, pinned: bool) -> None:
    conversation.is_pinned = pinned
    conversation.save(update_fields=["is_pinned"])


def set_archived(*, conversation: Conversation, archived: bool) -> None:
    conversation.is_archived = archived
    conversation.save(update_fields=["is_archived"])


@transaction.atomic
def delete_conversation(*, conversation: Conversation, actor: User) -> None:
    """Messages go with it; the calls they made stay in telemetry."""
    pk = conversation.pk
    conversation.delete()
    conversation.pk = pk
    record(action=InferenceAction.CONVERSATION_DELETE, actor=actor, target=conversation)
