"""A person's conversations: the list beside the chat, and every change to one that is not a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from audit.services import record
from inference.actions import InferenceAction
from inference.conversations.export import exported
from inference.conversations.snippets import snippets_of
from inference.models import Conversation, Message
from telemetry.models import Status

if TYPE_CHECKING:
    from accounts.models import User

PAGE = 30
# How long a deleted conversation can be restored.
TRASH_TIME = timedelta(hours=1)


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
class DayGroup:
    """Conversations under one heading of the list. ``takes_new``: one that is begun now goes on top of it."""

    title: str
    rows: list[Conversation]
    takes_new: bool = False


@dataclass(frozen=True, slots=True)
class Sidebar:
    """The conversations that ``filters`` leave; ``current`` is the one on the page.

    ``snippets``: of a search, by conversation, what it has found, as safe HTML.
    """

    pinned: list[Conversation]
    rest: list[Conversation]
    filters: Filters
    has_more: bool
    current: UUID | None = None
    snippets: Mapping[UUID, str] = field(default_factory=dict)

    @property
    def groups(self) -> list[DayGroup]:
        """Pinned ones, then by the day of their last message."""
        today = timezone.localdate()
        pinned = [DayGroup("Pinned", self.pinned)] if self.pinned else []
        days = [
            DayGroup(title, list(rows), takes_new=self.takes_new and title == TODAY)
            for title, rows in groupby(self.rest, key=lambda row: day_title(row.updated_at, today=today))
        ]
        return pinned + days

    @property
    def has_today(self) -> bool:
        return any(group.takes_new for group in self.groups)

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
    found = found.select_related("owner", "team").annotate(is_answering=_is_answering())
    listed = list(found.order_by(*order)[: filters.shown + 1])
    has_more = len(listed) > filters.shown
    rows = listed[: filters.shown]
    pinned = [row for row in rows if row.is_pinned and not filters.shared]
    rest = [row for row in rows if row not in pinned]
    return Sidebar(pinned, rest, filters, has_more, current, snippets_of(rows, filters.query))


def _is_answering() -> Exists:
    return Exists(Message.objects.filter(conversation=OuterRef("pk"), generation__status=Status.RUNNING))


TODAY = "Today"


def day_title(moment: datetime, *, today: date) -> str:
    """The heading under which a conversation stands: a day, a week, a month, and of other years the year with it."""
    day = timezone.localdate(moment)
    age = (today - day).days
    for limit, title in ((1, TODAY), (2, "Yesterday"), (8, "Previous 7 days"), (31, "Previous 30 days")):
        if age < limit:
            return title
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"


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
    """Nobody sees it any more. For ``TRASH_TIME`` it can be restored; the calls it made stay in telemetry."""
    conversation.deleted_at = timezone.now()
    conversation.save(update_fields=["deleted_at"])
    record(action=InferenceAction.CONVERSATION_DELETE, actor=actor, target=conversation)


@transaction.atomic
def restore_conversation(*, conversation: Conversation, actor: User) -> None:
    conversation.deleted_at = None
    conversation.save(update_fields=["deleted_at"])
    record(action=InferenceAction.CONVERSATION_RESTORE, actor=actor, target=conversation)


@transaction.atomic
def export_conversation(*, conversation: Conversation, name: str, leaf: int | None, actor: User) -> str:
    """The file of a branch, see ``export.exported``."""
    record(action=InferenceAction.CONVERSATION_EXPORT, actor=actor, target=conversation, after={"format": name})
    return exported(conversation, name, leaf=leaf, viewer=actor)


def empty_trash(*, now: datetime) -> int:
    """Delete for good what was deleted ``TRASH_TIME`` ago, with its messages; returns how many conversations."""
    old = Conversation.objects.filter(deleted_at__lt=now - TRASH_TIME)
    count = old.count()
    old.delete()
    return count
