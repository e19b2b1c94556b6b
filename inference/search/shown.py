"""What was found, as pages, commands and the API show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import User
from accounts.providers import label_of
from inference.models import Conversation
from inference.search.models import Kind
from inference.search.query_text import QueryText
from inference.search.snippets import Snippet, snippet_of
from prompts.models import Prompt
from telemetry.models import Generation

_TITLES = {"question": "Message", "answer": "Answer", "title": "Title", "name": "Name and description"}


class Match(NamedTuple):
    """The text that fits best, which part of its object it is, and how near it is in meaning (cosine)."""

    text: str
    part: str
    nearness: float | None


@dataclass(frozen=True, slots=True)
class Hit:
    """``reasons``: why it matched, in a few words each. ``facts``: what else is known of it, such as its model.

    ``same``: how many results it stands for.
    """

    kind: Kind
    object_id: UUID
    title: str
    url: str
    at: datetime
    snippet: Snippet | None
    reasons: list[str]
    facts: list[str]
    status: str = ""
    is_hidden: bool = False
    same: int = 1


class _Shown(NamedTuple):
    title: str
    url: str
    at: datetime
    facts: list[str]
    status: str = ""
    is_hidden: bool = False


def as_json(hit: Hit, absolute: Callable[[str], str] = str) -> dict[str, Any]:
    """For programs."""
    pieces = hit.snippet.pieces if hit.snippet else ()
    return {
        "kind": hit.kind.value,
        "id": str(hit.object_id),
        "title": hit.title,
        "url": absolute(hit.url),
        "at": hit.at.isoformat(),
        "status": hit.status,
        "same": hit.same,
        "reasons": hit.reasons,
        "snippet": [{"text": piece.text, "marked": piece.marked} for piece in pieces],
    }


def show(
    order: Sequence[tuple[str, UUID]],
    matches: Mapping[tuple[str, UUID], Match],
    query: QueryText,
    *,
    viewer: User,
    prefix: bool = False,
) -> list[Hit]:
    """In this order; each kind is asked once more what the viewer may see of it."""
    found: dict[tuple[str, UUID], _Shown] = {}
    for kind, look_up in _LOOK_UP.items():
        pks = [pk for each, pk in order if each == kind]
        found |= {(kind, pk): shown for pk, shown in look_up(pks, viewer)} if pks else {}
    return [_hit(key, found[key], matches.get(key), query, prefix=prefix) for key in order if key in found]


def _hit(key: tuple[str, UUID], shown: _Shown, match: Match | None, query: QueryText, *, prefix: bool) -> Hit:
    snippet, reasons = None, []
    if match and not shown.is_hidden:
        beginning = query.terms[-1] if prefix and query.terms else ""
        snippet = snippet_of(match.text, query.terms, query.literals, prefix=beginning)
        reasons = _reasons(match, snippet)
    url = shown.url
    if key[0] == Kind.PROMPT and match and match.part.startswith("version "):
        url = f"{url}?version={match.part.removeprefix('version ')}"
    return Hit(
        Kind(key[0]), key[1], shown.title, url, shown.at, snippet, reasons, shown.facts, shown.status, shown.is_hidden
    )


def _reasons(match: Match, snippet: Snippet) -> list[str]:
    part = _TITLES.get(match.part, match.part.split()[0].capitalize() if match.part else "")
    if match.part.startswith("version "):
        part = match.part.capitalize()
    words = [f"Words: {', '.join(snippet.found[:6])}"] if snippet.found else []
    meaning = [f"Meaning: {match.nearness * 100:.0f}%"] if match.nearness is not None else []
    return [part, *words, *meaning]


def _calls(pks: Sequence[UUID], viewer: User) -> Iterable[tuple[UUID, _Shown]]:
    calls = Generation.objects.visible_to(viewer).filter(pk__in=pks).select_related("user")
    for call in calls.defer("attempts", "parameters", "receipt", "error_message"):
        is_hidden = call.user_id != viewer.pk
        facts = [label_of(call.provider), *([f"${call.cost_usd:.4f}"] if call.cost_usd else [])]
        owner = [call.user.email] if is_hidden and call.user else []
        yield (
            call.pk,
            _Shown(
                call.request_model, call.get_absolute_url(), call.started_at, [*facts, *owner], call.status, is_hidden
            ),
        )


def _conversations(pks: Sequence[UUID], viewer: User) -> Iterable[tuple[UUID, _Shown]]:
    visible = Conversation.objects.filter(pk__in=pks).visible_to(viewer)
    for conversation in visible.select_related("owner"):
        owner = [f"shared by {conversation.owner}"] if conversation.owner_id != viewer.pk else []
        facts = [*([conversation.model] if conversation.model else []), *owner]
        yield (
            conversation.pk,
            _Shown(conversation.title, conversation.get_absolute_url(), conversation.updated_at, facts),
        )


def _prompts(pks: Sequence[UUID], viewer: User) -> Iterable[tuple[UUID, _Shown]]:
    for prompt in Prompt.objects.visible_to(viewer).filter(pk__in=pks).select_related("owner"):
        owner = [f"shared by {prompt.owner}"] if prompt.owner_id != viewer.pk else []
        facts = [f"{prompt.last_number} version{'' if prompt.last_number == 1 else 's'}", *owner]
        yield prompt.pk, _Shown(prompt.name, prompt.get_absolute_url(), prompt.updated_at, facts)


_LOOK_UP = {Kind.CALL: _calls, Kind.CONVERSATION: _conversations, Kind.PROMPT: _prompts}
