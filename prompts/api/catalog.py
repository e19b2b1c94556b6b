"""The list of prompts, with the versions and labels of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from prompts.api.schemas import ListQuery
from prompts.models import LATEST, Label, Prompt, PromptVersion


class Row(TypedDict):
    name: str
    type: str
    versions: list[int]
    labels: list[str]
    tags: list[str]
    lastUpdatedAt: datetime
    lastConfig: dict[str, Any]


def page_of(reader: User, query: ListQuery, *, name_prefixes: Sequence[str]) -> tuple[list[Row], int]:
    """By name, without those that are archived; and how many there are on all pages.

    Where a label is asked for, ``versions`` and ``lastConfig`` are of versions with that label alone.
    """
    versions = _matching(query.label)
    prompts = Prompt.objects.visible_to(reader).current().filter(_filter(query, name_prefixes), Exists(versions))
    first = (query.page - 1) * query.limit
    rows = prompts.order_by("name").values_list(
        "name",
        "type",
        ArraySubquery(versions.order_by("number").values("number")),
        ArraySubquery(Label.objects.filter(prompt=OuterRef("pk")).order_by("name").values("name")),
        "tags",
        "updated_at",
        Subquery(versions.order_by("-number").values("config")[:1]),
    )
    return [_row(*row) for row in rows[first : first + query.limit]], prompts.count()


def _row(
    name: str, type: str, versions: list[int], labels: list[str], tags: list[str], changed: datetime, config: Any
) -> Row:
    return Row(
        name=name,
        type=type,
        versions=versions,
        labels=[*labels, LATEST],
        tags=tags,
        lastUpdatedAt=changed,
        lastConfig=config,
    )


def _matching(label: str | None) -> QuerySet[PromptVersion]:
    versions = PromptVersion.objects.filter(prompt=OuterRef("pk"))
    if label == LATEST:
        newest = PromptVersion.objects.filter(prompt=OuterRef("prompt")).order_by("-number").values("number")
        return versions.filter(number=Subquery(newest[:1]))
    return versions.filter(labels__name=label) if label else versions


def _filter(query: ListQuery, name_prefixes: Sequence[str]) -> Q:
    allowed = Q()
    for prefix in name_prefixes:
        allowed |= Q(name__startswith=prefix)
    conditions = {
        "name": query.name,
        "tags__contains": [query.tag] if query.tag else None,
        "updated_at__gte": query.fromUpdatedAt,
        "updated_at__lt": query.toUpdatedAt,
    }
    return allowed & Q(**{name: value for name, value in conditions.items() if value is not None})
