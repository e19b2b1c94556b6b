"""What applications are served: a version of a prompt with its labels, found by one query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.compiled import CompiledQuery
from accounts.models import User
from prompts.api.contents import Content, contents
from prompts.composition import Resolved, Target, resolve
from prompts.models import LATEST, PRODUCTION, Label, LabelMove, Prompt, PromptVersion, Rollout
from prompts.reading import VersionNotFound, labels_at
from prompts.rollout_rules import NOBODY, draw
from prompts.templating import Include


class PromptNotFound(LookupError):
    """There is no such prompt, or the reader may not see it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version by its number or by a label, without both by ``production``. ``at`` (aware): what was meant then.

    ``caller``: who is served, for as long as a label is rolled out; '' for anybody, None for whatever the label names.
    """

    version: int | None = None
    label: str | None = None
    at: datetime | None = None
    caller: str | None = None

    def __str__(self) -> str:
        wanted = f"version {self.version}" if self.version is not None else f"label “{self.label or PRODUCTION}”"
        return f"{wanted} as of {self.at.isoformat()}" if self.at else wanted


@dataclass(frozen=True, slots=True)
class Served:
    """``labels`` are those that point at the version, ``latest`` among them."""

    id: int
    prompt_id: UUID
    type: str
    name: str
    tags: list[str]
    number: int
    message: str
    created_at: datetime
    labels: list[str]
    content: Content


_COLUMNS = ("pk", "prompt_id", "prompt__type", "prompt__name", "prompt__tags", "number", "message", "created_at")


def serve(reader: User, name: str, wanted: Wanted) -> Served:
    """Another version than the one that is wanted is never given instead. Raises PromptNotFound, VersionNotFound."""
    found = _find(reader, name, wanted)
    if found is None:
        if not Prompt.objects.visible_to(reader).filter(name=name).exists():
            raise PromptNotFound(f"There is no prompt “{name}”.")
        raise VersionNotFound(f"The prompt “{name}” has no {wanted}.")
    if wanted.at is None:
        return found
    then = labels_at(Prompt(pk=found.prompt_id), wanted.at)
    return replace(found, labels=[label for label, number in then.items() if number == found.number])


def resolved(served: Served, reader: User, may_read: Callable[[str], bool]) -> Resolved:
    """With all that it includes, as far as ``reader`` sees it and ``may_read`` its name. Raises IncludeRefused."""

    def target_of(include: Include) -> Target | None:
        found = _find(reader, include.name, Wanted(include.version, include.label)) if may_read(include.name) else None
        return Target(found.name, found.number, found.content.body) if found else None

    return resolve(served.name, served.content.body, target_of)


def as_json(served: Served, resolved: Resolved | None) -> dict[str, Any]:
    """As ``schemas.PromptOut``. ``resolved`` is the version with what it includes; None for as it is stored."""
    content = served.content
    return {
        "id": str(served.id),
        "type": served.type,
        "name": served.name,
        "version": served.number,
        "prompt": resolved.body if resolved else content.body,
        "config": content.config,
        "labels": served.labels,
        "tags": served.tags,
        "commitMessage": served.message or None,
        "resolutionGraph": _graph(served, resolved.graph) if resolved and resolved.graph else None,
        "createdAt": served.created_at,
        "provider": content.provider,
        "model": content.model,
        "parameters": content.parameters,
        "tools": content.tools,
        "responseSchema": content.response_schema,
        "variables": content.variables,
    }


def _graph(served: Served, edges: Mapping[str, list[tuple[str, int]]]) -> dict[str, Any]:
    return {
        "root": {"name": served.name, "version": served.number},
        "dependencies": {
            name: [{"name": included, "version": number} for included, number in targets]
            for name, targets in edges.items()
        },
    }


def _find(reader: User, name: str, wanted: Wanted) -> Served | None:
    if not reader.is_active:
        return None
    rows = _rows(wanted, reader=reader.pk, name=name)
    if not rows:
        return None
    *columns, labels, newest = rows[0]
    content = contents.of(columns[0])
    if columns[_COLUMNS.index("number")] == newest:
        labels.append(LATEST)
    return Served(*(*columns, labels, content)) if content else None


def _rows(wanted: Wanted, **of: Any) -> list[tuple[Any, ...]]:
    label = wanted.label or PRODUCTION
    if wanted.version is not None:
        return _BY_NUMBER.rows(**of, number=wanted.version)
    if label == LATEST:
        return _NEWEST_AT.rows(**of, at=wanted.at) if wanted.at else _NEWEST.rows(**of)
    if wanted.at:
        return _BY_LABEL_AT.rows(**of, label=label, at=wanted.at)
    drawn = NOBODY if wanted.caller is None else draw(of["name"], label, wanted.caller)
    return _BY_LABEL.rows(**of, label=label, drawn=drawn)


def _versions(reader: int, name: str) -> QuerySet[PromptVersion]:
    return PromptVersion.objects.filter(prompt__in=Prompt.objects.visible_to(User(pk=reader)).filter(name=name))


def _columns(versions: QuerySet[PromptVersion]) -> QuerySet[PromptVersion, tuple[Any, ...]]:
    """Of the first; its labels and the number of the newest version come last."""
    newest = PromptVersion.objects.filter(prompt=OuterRef("prompt")).order_by("-number").values("number")
    labels = Label.objects.filter(version=OuterRef("pk")).order_by("name").values("name")
    return versions.order_by("-number").values_list(*_COLUMNS, ArraySubquery(labels), Subquery(newest[:1]))[:1]


def _named_then(label: str, at: datetime) -> Subquery:
    moves = LabelMove.objects.filter(prompt=OuterRef("prompt"), label=label, at__lte=at).order_by("-at", "-pk")
    return Subquery(moves.values("to_version")[:1])


def _served_to(drawn: int, label: str) -> Coalesce:
    """The number of the version that is rolled out, for whoever is among the first percents, or that of the label."""
    running = Rollout.objects.running().filter(prompt=OuterRef("prompt"), label=label, percent__gt=drawn)
    named = Label.objects.filter(prompt=OuterRef("prompt"), name=label)
    return Coalesce(Subquery(running.values("to_version")[:1]), Subquery(named.values("version__number")[:1]))


_BY_NUMBER = CompiledQuery(lambda *, reader, name, number: _columns(_versions(reader, name).filter(number=number)))
_BY_LABEL = CompiledQuery(
    lambda *, reader, name, label, drawn: _columns(_versions(reader, name).filter(number=_served_to(drawn, label)))
)
_BY_LABEL_AT = CompiledQuery(
    lambda *, reader, name, label, at: _columns(_versions(reader, name).filter(number=_named_then(label, at)))
)
_NEWEST = CompiledQuery(lambda *, reader, name: _columns(_versions(reader, name)))
_NEWEST_AT = CompiledQuery(lambda *, reader, name, at: _columns(_versions(reader, name).filter(created_at__lte=at)))
