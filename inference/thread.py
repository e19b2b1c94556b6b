"""A conversation as a page shows it: one branch of the tree, with a way to each sibling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString

from inference import tree
from inference.markdown import render
from inference.models import Conversation, Message, Role
from inference.providers.registry import LABELS
from inference.questions import render_question
from telemetry.models import Generation, Status

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the branch. ``html`` is empty for answers that are still coming.

    Without ``may_edit`` somebody reads it with whom it is shared.
    """

    message: Message
    siblings: list[int]
    may_edit: bool

    @property
    def generation(self) -> Generation | None:
        return self.message.generation

    @property
    def is_running(self) -> bool:
        return self.generation is not None and self.generation.status == Status.RUNNING

    @property
    def has_failed(self) -> bool:
        return self.generation is not None and self.generation.status in (Status.FAILED, Status.INTERRUPTED)

    @property
    def html(self) -> SafeString:
        if self.is_running:
            return SafeString("")
        make = render_question if self.message.role == Role.USER else render
        return SafeString(make(self.message.text))

    @property
    def author_label(self) -> str:
        if self.message.role == Role.USER:
            return "You" if self.may_edit else self.message.conversation.owner.get_full_name()
        if self.generation is None:
            return "Model"
        return f"{LABELS.get(self.generation.provider, self.generation.provider)} {self.generation.request_model}"

    @property
    def position(self) -> int:
        return self.siblings.index(self.message.pk) + 1

    @property
    def previous_url(self) -> str:
        return self._sibling_url(self.position - 2)

    @property
    def next_url(self) -> str:
        return self._sibling_url(self.position)

    def _sibling_url(self, index: int) -> str:
        return f"?leaf={self.siblings[index]}" if 0 <= index < len(self.siblings) else ""


@dataclass(frozen=True, slots=True)
class Thread:
    """``newest``: the id of the conversation's newest message, in whatever branch; 0 where there is none."""

    conversation: Conversation
    turns: list[Turn]
    may_edit: bool
    newest: int = 0

    @property
    def leaf_id(self) -> int | None:
        """The message under which the next question goes."""
        return self.turns[-1].message.pk if self.turns else None

    @property
    def is_running(self) -> bool:
        return any(turn.is_running for turn in self.turns)


def thread_of(conversation: Conversation, leaf: int | None = None, *, viewer: User) -> Thread:
    """The branch through the message ``leaf``, down to its newest end; the newest branch where there is no such."""
    messages = {message.pk: message for message in conversation.messages.select_related("generation")}
    may_edit = _may_edit(conversation, viewer)
    if not messages:
        return Thread(conversation, [], may_edit)
    end = tree.newest_leaf_below(leaf, messages) if leaf in messages else max(messages)
    turns = [Turn(message, tree.siblings_of(message, messages), may_edit) for message in tree.path_to(end, messages)]
    return Thread(conversation, turns, may_edit, max(messages))


def turn_of(message_id: int, *, viewer: User) -> Turn:
    """One message by itself, with its siblings."""
    message = Message.objects.select_related("generation", "conversation").get(pk=message_id)
    siblings = Message.objects.filter(conversation=message.conversation, parent=message.parent_id)
    return Turn(
        message, list(siblings.order_by("pk").values_list("pk", flat=True)), _may_edit(message.conversation, viewer)
    )


def _may_edit(conversation: Conversation, viewer: User) -> bool:
    """What ``Conversation.objects.editable_by`` says, of one that is at hand."""
    return conversation.owner_id == viewer.pk
