"""What a page is sent besides streaming text: new messages, the composer's next ids, final figures."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from django.template.loader import render_to_string
from django.utils.html import format_html

from inference.models import Conversation
from inference.services import RunForm, Started
from inference.thread import thread_of, turn_of

if TYPE_CHECKING:
    from accounts.models import User


def started(started: Started, form: RunForm, *, viewer: User) -> str:
    """The new messages, at the end of the page or as a whole new branch, and a composer ready for the next one."""
    conversation = Conversation.objects.get(pk=started.conversation_id)
    thread = thread_of(conversation, started.answer_id, viewer=viewer)
    begins_branch = any(len(turn.siblings) > 1 for turn in thread.turns[-2:])
    replaces = begins_branch or form.text is None
    context = {
        "thread": thread,
        "turns": thread.turns if replaces else thread.turns[-2:],
        "replaces": replaces,
        "conversation": conversation,
        "client_id": uuid4(),
        "is_new": len(thread.path) == 2 and not replaces,
        "is_swap": True,
    }
    return render_to_string("inference/_started.html", context)


def ended(answer_id: int, *, viewer: User) -> str:
    """The figures, or the error, of an answer that has ended."""
    context = {"turn": turn_of(answer_id, viewer=viewer), "is_swap": True}
    return render_to_string("inference/_answer_meta.html", context)


def news(newest: int) -> str:
    """Tells a reader's page that there is a message it does not show yet; it fetches the thread by itself."""
    return format_html('<div id="news" data-newest="{}" hidden hx-swap-oob="true"></div>', newest)
