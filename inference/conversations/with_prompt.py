"""For the pages of prompts (``prompts.callers``): where a prompt was used in the chat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from inference.models import Conversation, Message
from telemetry.models import Generation
from telemetry.time_ranges import started_within

if TYPE_CHECKING:
    from accounts.models import User


def conversations_of_prompt(prompt_id: UUID, *, reader: User, since: datetime, most: int) -> Sequence[Conversation]:
    """Those with a call that was made with it, as far as ``reader`` sees them; the last ones first."""
    calls = Generation.objects.filter(started_within(since, None), prompt_id=prompt_id).order_by()
    used = Message.objects.filter(generation__in=calls.values("pk")).order_by().values("conversation")
    visible = Conversation.objects.visible_to(reader).filter(pk__in=used)
    return list(visible.order_by("-updated_at", "pk")[:most])
