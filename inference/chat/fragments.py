"""What a page is sent besides streaming text: new messages, the composer's next ids, final figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from django.template.loader import render_to_string
from django.utils.html import format_html

from inference.conversations.thread import Stub, Thread, Turn, thread_of, turn_of
from inference.models import Conversation, Message
from inference.runs.quick_start import QuickRun
from inference.runs.start import RunRequest, StartedRun

if TYPE_CHECKING:
    from accounts.models import User


def render_started(started: StartedRun, form: RunRequest, *, viewer: User) -> str:
    """The new messages, at the end of the page or as a whole new branch, and a composer ready for the next one."""
    conversation = Conversation.objects.get(pk=started.conversation_id)
    thread = thread_of(conversation, started.answer_id, viewer=viewer)
    begins_branch = any(len(turn.siblings) > 1 for turn in thread.turns[-2:])
    replaces = begins_branch or form.text is None
    messages = _render_messages(thread, thread.turns if replaces else thread.turns[-2:], replaces=replaces)
    return messages + render_begun(conversation, is_new=len(thread.path) == 2 and not replaces)


def render_messages(run: QuickRun, branch: Sequence[Message]) -> str:
    """The new messages at the end of ``branch``, and the composer, without reading what has just been written.

    The answer is shown below them: what else the page shows can wait (``render_begun``).
    """
    path = [Stub(message.pk, message.parent_id, len(message.text)) for message in (*branch, run.question, run.answer)]
    turns = [Turn(message, [message.pk], may_edit=True) for message in (run.question, run.answer)]
    thread = Thread(run.conversation, path, len(branch), turns, may_edit=True, newest=run.answer.pk)
    return _render_messages(thread, turns, replaces=False)


def render_begun(conversation: Conversation, *, is_new: bool) -> str:
    """The address and the title of the page; of a new conversation also its row in the sidebar and its menu."""
    context = {"conversation": conversation, "is_new": is_new, "is_swap": True}
    return render_to_string("inference/_begun.html", context)


def _render_messages(thread: Thread, turns: Sequence[Turn], *, replaces: bool) -> str:
    context = {
        "thread": thread,
        "turns": turns,
        "replaces": replaces,
        "client_id": uuid4(),
        "is_swap": True,
    }
    return render_to_string("inference/_started.html", context)


def render_ended(answer_id: int, *, viewer: User) -> str:
    """The figures, or the error, of an answer that has ended."""
    context = {"turn": turn_of(answer_id, viewer=viewer), "is_swap": True}
    return render_to_string("inference/_answer_meta.html", context)


def render_title(conversation: Conversation) -> str:
    """The new title, which the page puts where the old one stands."""
    words = '<div id="page-url" data-url="{}" data-title="{}" hidden hx-swap-oob="true"></div>'
    return format_html(words, conversation.get_absolute_url(), conversation.title)


def render_news(newest: int) -> str:
    """Tells a reader's page that there is a message it does not show yet; it fetches the thread by itself."""
    return format_html('<div id="news" data-newest="{}" hidden hx-swap-oob="true"></div>', newest)
