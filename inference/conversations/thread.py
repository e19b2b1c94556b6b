"""A conversation as a page shows it: one branch of the tree, with a way to each sibling.

Of a long branch, a page shows some messages at a time. All others are known by their ids alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from django.db.models.functions import Length
from django.utils.safestring import SafeString

from accounts.providers import label_of
from inference.attachments.services import attachments_of
from inference.models import Conversation, Message, MessageAttachment, Role
from inference.rendering.cache import kept
from inference.rendering.markdown import render, render_question
from inference.rendering.tool_calls import ShownCall, shown_calls
from telemetry.models import Generation, Status
from telemetry.ratings import add_ratings

if TYPE_CHECKING:
    from accounts.models import User

# Messages that are shown at once, and how many of them stand before the one that was asked for.
WINDOW, LEAD = 30, 6


# Longer questions are folded.
FOLDED_LINES, FOLDED_CHARACTERS = 12, 1_200

# Of an answer with nothing but reasoning, by its finish reason.
_ENDS = {"length": "it reached max tokens before its answer"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the branch.

    Without ``may_edit`` somebody reads it with whom it is shared. ``files`` are those that it brought.
    """

    message: Message
    siblings: list[int]
    may_edit: bool
    files: Sequence[MessageAttachment] = ()

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
        make = render_question if self.message.role == Role.USER else render
        return SafeString(kept.html(make, self.message.text))

    @property
    def tool_calls(self) -> list[ShownCall]:
        """Those that the model wants; none of an answer that is still coming."""
        return [] if self.is_running else shown_calls(self.message.tool_calls)

    @property
    def instead_of_text(self) -> str:
        """What has become of an answer that ended without text and without an error, in a sentence; '' of others."""
        if self.is_running or self.has_failed or self.message.role == Role.USER or self.message.text.strip():
            return ""
        if self.message.tool_calls:
            return "Tools are not run in a conversation. You can continue without the result."
        reason = self.generation.finish_reason if self.generation else ""
        if reason == "content_filter":
            return "Blocked by the provider's content filter. Rephrase your message."
        if self.message.reasoning:
            return f"The model only thought: {_ENDS.get(reason, 'it gave no answer')}."
        if self.generation and self.generation.status == Status.STOPPED:
            return "Stopped before any text arrived."
        return "The model returned an empty answer."

    @property
    def may_continue(self) -> bool:
        """Whether a part of an answer is there that the model could go on from."""
        call = self.generation
        is_cut = call is not None and (call.status == Status.STOPPED or call.finish_reason == "length")
        return self.may_edit and is_cut and bool(self.message.text.strip())

    @property
    def is_long(self) -> bool:
        text = self.message.text
        return len(text) > FOLDED_CHARACTERS or text.count("\n") >= FOLDED_LINES

    @property
    def thought_words(self) -> str:
        """Above the reasoning: how long it took, where that is known."""
        if self.message.thought_ms is not None:
            return f"Thought for {max(1, round(self.message.thought_ms / 1000)):,} s"
        return "Thinking…" if self.is_running else "Thought"

    @property
    def digests(self) -> str:
        """Of its files, as the page sends them."""
        return " ".join(attached.file.digest for attached in self.files)

    @property
    def author_label(self) -> str:
        if self.message.role == Role.USER:
            return "You" if self.may_edit else self.message.conversation.owner.get_full_name()
        if self.generation is None:
            return "Model"
        return f"{self._endpoint_label(self.generation)} {self.generation.request_model}"

    def _endpoint_label(self, call: Generation) -> str:
        """The server that was called by the name of its key, which is never shared; to readers the provider."""
        return call.token_label if call.base_url and call.token_label and self.may_edit else label_of(call.provider)

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


class Stub(NamedTuple):
    """What is known of a message without reading it. ``length`` in characters."""

    pk: int
    parent_id: int | None
    length: int


@dataclass(frozen=True, slots=True)
class Thread:
    """``turns`` are those of ``path``, which is the whole branch, that are shown, from the place ``first`` on.

    ``newest``: the id of the conversation's newest message, in whatever branch; 0 where there is none.
    """

    conversation: Conversation
    path: list[Stub]
    first: int
    turns: list[Turn]
    may_edit: bool
    newest: int = 0

    @property
    def leaf_id(self) -> int | None:
        """The message under which the next question goes."""
        return self.path[-1].pk if self.path else None

    @property
    def earlier(self) -> list[Stub]:
        """What stands before the turns that are shown."""
        return self.path[: self.first]

    @property
    def later(self) -> list[Stub]:
        return self.path[self.first + len(self.turns) :]

    @property
    def earlier_characters(self) -> int:
        return sum(stub.length for stub in self.earlier)

    @property
    def later_characters(self) -> int:
        return sum(stub.length for stub in self.later)

    @property
    def is_running(self) -> bool:
        return any(turn.is_running for turn in self.turns)


def thread_of(conversation: Conversation, leaf: int | None = None, *, viewer: User, since: int | None = None) -> Thread:
    """The branch through the message ``leaf``, down to its newest end; the newest branch where there is no such.

    Shows the messages around ``leaf``, all from ``since`` on where that is a message before it, and else the last ones.
    """
    stubs = _stubs(conversation)
    path = _branch(stubs, leaf)
    places = {stub.pk: place for place, stub in enumerate(path)}
    last_window = max(0, len(path) - WINDOW)
    place = places.get(leaf or 0, len(path) - 1)
    first = last_window if place >= last_window else max(0, place - LEAD)
    first = min(first, places.get(since or 0, first))
    return _thread(conversation, stubs, path, range(first, max(first, place) + WINDOW), viewer)


def thread_before(conversation: Conversation, last: int, *, viewer: User) -> Thread:
    """The messages up to ``last``. Raises KeyError where the conversation has no such message."""
    stubs = _stubs(conversation)
    path = path_to(last, stubs)
    return _thread(conversation, stubs, path, range(max(0, len(path) - WINDOW), len(path)), viewer)


def branch_of(conversation: Conversation, leaf: int | None) -> list[Message]:
    """All messages of the branch that ``thread_of`` shows a part of."""
    ids = [stub.pk for stub in _branch(_stubs(conversation), leaf)]
    messages = conversation.messages.in_bulk(ids)
    return [messages[pk] for pk in ids]


def whole_branch(conversation: Conversation, leaf: int | None, *, viewer: User) -> list[Turn]:
    """All turns of that branch."""
    stubs = _stubs(conversation)
    path = _branch(stubs, leaf)
    return _thread(conversation, stubs, path, range(len(path)), viewer).turns


def _stubs(conversation: Conversation) -> dict[int, Stub]:
    rows = conversation.messages.values_list("pk", "parent_id", Length("text"))
    return {row[0]: Stub(*row) for row in rows}


def _branch(stubs: dict[int, Stub], leaf: int | None) -> list[Stub]:
    if not stubs:
        return []
    return path_to(newest_leaf_below(leaf, stubs) if leaf in stubs else max(stubs), stubs)


def _thread(conversation: Conversation, stubs: dict[int, Stub], path: list[Stub], shown: range, viewer: User) -> Thread:
    may_edit = _may_edit(conversation, viewer)
    part = path[shown.start : shown.stop]
    messages = conversation.messages.select_related("generation").in_bulk([stub.pk for stub in part])
    add_ratings([message.generation for message in messages.values()], viewer)
    siblings = children(stubs)
    files = attachments_of(messages.values())
    turns = [Turn(messages[stub.pk], siblings[stub.parent_id], may_edit, files.get(stub.pk, ())) for stub in part]
    return Thread(conversation, path, shown.start, turns, may_edit, max(stubs, default=0))


def turn_of(message_id: int, *, viewer: User) -> Turn:
    """One message by itself, with its siblings."""
    message = Message.objects.select_related("generation", "conversation").get(pk=message_id)
    add_ratings([message.generation], viewer)
    siblings = Message.objects.filter(conversation=message.conversation, parent=message.parent_id)
    return Turn(
        message, list(siblings.order_by("pk").values_list("pk", flat=True)), _may_edit(message.conversation, viewer)
    )


def _may_edit(conversation: Conversation, viewer: User) -> bool:
    """What ``Conversation.objects.editable_by`` says, of one that is at hand."""
    return conversation.owner_id == viewer.pk


class Node(Protocol):
    @property
    def pk(self) -> int: ...

    @property
    def parent_id(self) -> int | None: ...


N = TypeVar("N", bound=Node)


def path_to(last: int, nodes: Mapping[int, N]) -> list[N]:
    """The messages from the root to ``last``, both included."""
    path: list[N] = []
    step: int | None = last
    while step is not None:
        path.append(nodes[step])
        step = nodes[step].parent_id
    return path[::-1]


def newest_leaf_below(start: int, nodes: Mapping[int, N]) -> int:
    """Where the newest branch through ``start`` ends: the newest message of those that stand below it."""
    below = {start}
    for pk in sorted(nodes):
        if nodes[pk].parent_id in below:
            below.add(pk)
    return max(below)


def children(nodes: Mapping[int, Node]) -> dict[int | None, list[int]]:
    """By parent, the ids of the messages below it, oldest first. Those of one list are siblings."""
    below: dict[int | None, list[int]] = {}
    for pk in sorted(nodes):
        below.setdefault(nodes[pk].parent_id, []).append(pk)
    return below
