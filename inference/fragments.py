"""What a page is sent besides streaming text: new messages, the composer's next ids, final figures."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from django.template.loader import render_to_string

from inference.conversations import sidebar_of
from inference.models import Conversation
from inference.services import RunForm, Started
from inference.thread import thread_of, turn_of

if TYPE_CHECKING:
    from accounts.models import User


def started(user: User, started: Started, form: RunForm) -> str:
    """The new messages, at the end of the page or as a whole new branch, and a composer ready for the next one."""
    conversation = Conversation.objects.get(pk=started.conversation_id)
    thread = thread_of(conversation, started.answer_id)
    is_first = len(thread.turns) <= 2
    begins_branch = any(len(turn.siblings) > 1 for turn in thread.turns[-2:])
    context = {
        "thread": thread,
        "turns": thread.turns if begins_branch or form.text is None else thread.turns[-2:],
        "replaces": begins_branch or form.text is None,
        "conversation": conversation,
        "client_id": uuid4(),
        "sidebar": sidebar_of(user, current=conversation.pk) if is_first else None,
        "is_swap": True,
    }
    return render_to_string("inference/_started.html", context)


def ended(answer_id: int) -> str:
    """The figures, or the error, of an answer that has ended."""
    return render_to_string("inference/_answer_meta.html", {"turn": turn_of(answer_id), "is_swap": True})
