"""Who has used a prompt lately: programs that read it, and users who called a model with it, in which conversations.

Calls are in another app: whoever knows both sets ``users_of_prompt`` and ``conversations_of_prompt`` at the start.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import ApiKey, User
from prompts.figures import PERIOD
from prompts.models import KeyRead, Prompt

MOST = 10
# A program may read hundreds of times a second.
NOTE_EVERY_SECONDS = 60
MOST_NOTED = 10_000
# By key and prompt, when this process has noted a read.
_noted: dict[tuple[int, UUID], float] = {}


class UserCalls(Protocol):
    """The calls of one user with a prompt."""

    @property
    def user(self) -> User: ...
    @property
    def uses(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def last_at(self) -> datetime: ...


class UsersSource(Protocol):
    def __call__(self, prompt_id: UUID, *, since: datetime, most: int) -> Sequence[UserCalls]: ...


class Conversation(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def updated_at(self) -> datetime: ...
    def get_absolute_url(self) -> str: ...


class ConversationsSource(Protocol):
    def __call__(self, prompt_id: UUID, *, reader: User, since: datetime, most: int) -> Sequence[Conversation]: ...


def _nobody(prompt_id: UUID, *, since: datetime, most: int) -> Sequence[UserCalls]:
    return []


def _nowhere(prompt_id: UUID, *, reader: User, since: datetime, most: int) -> Sequence[Conversation]:
    return []


users_of_prompt: UsersSource = _nobody
conversations_of_prompt: ConversationsSource = _nowhere


def note_read(*, key: ApiKey, prompt_id: UUID, label: str, version: int) -> None:
    """``label`` is empty where the version was asked for by its number."""
    name, now = (key.pk, prompt_id), time.monotonic()
    if _noted.get(name, float("-inf")) > now - NOTE_EVERY_SECONDS:
        return
    if len(_noted) >= MOST_NOTED:
        _noted.clear()
    _noted[name] = now
    read = KeyRead(prompt_id=prompt_id, key=key, label=label, version=version, at=timezone.now())
    try:
        KeyRead.objects.bulk_create(
            [read], update_conflicts=True, unique_fields=["prompt", "key"], update_fields=["label", "version", "at"]
        )
    except IntegrityError:
        # Key or prompt have been deleted in this moment.
        return


def keys_of(prompt: Prompt) -> QuerySet[KeyRead]:
    """The last that read it within 30 days."""
    since = timezone.now() - PERIOD
    return prompt.key_reads.filter(at__gte=since).select_related("key__user")[:MOST]


def users_of(prompt: Prompt) -> Sequence[UserCalls]:
    """The last who called a model with it within 30 days."""
    return users_of_prompt(prompt.pk, since=timezone.now() - PERIOD, most=MOST)


def conversations_of(prompt: Prompt, *, reader: User) -> Sequence[Conversation]:
    """The last that the reader sees in which it was used within 30 days."""
    return conversations_of_prompt(prompt.pk, reader=reader, since=timezone.now() - PERIOD, most=MOST)
