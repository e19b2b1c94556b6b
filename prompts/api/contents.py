"""What versions say, kept in memory after the first read: no version changes. Rights are asked of the database."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson

from accounts.compiled import CompiledQuery
from prompts.drafts import Body
from prompts.models import PromptVersion

# In all versions that are kept; the one that was not read for longest goes first.
MOST_CHARACTERS = 8_000_000


@dataclass(frozen=True, slots=True)
class Content:
    """Nobody changes it: it is the same object for all requests."""

    body: Body
    config: Mapping[str, Any]
    parameters: Mapping[str, Any]
    tools: list[Mapping[str, Any]]
    response_schema: Mapping[str, Any] | None
    variables: list[Mapping[str, Any]]
    provider: str
    model: str


class Contents:
    def __init__(self, most_characters: int) -> None:
        self._most = most_characters
        self._kept: OrderedDict[int, tuple[int, Content]] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def of(self, version: int) -> Content | None:
        """None for a version that was deleted."""
        with self._lock:
            if version in self._kept:
                self._kept.move_to_end(version)
                return self._kept[version][1]
        rows = _BY_ID.rows(version=version)
        if not rows:
            return None
        *texts, provider, model = rows[0]
        values: list[Any] = [*(None if text is None else orjson.loads(text) for text in texts), provider, model]
        content = Content(*values)
        self._keep(version, sum(len(text or "") for text in texts), content)
        return content

    def _keep(self, version: int, characters: int, content: Content) -> None:
        with self._lock:
            if version in self._kept or characters > self._most:
                return
            self._kept[version] = (characters, content)
            self._characters += characters
            while self._characters > self._most:
                self._characters -= self._kept.popitem(last=False)[1][0]


_BY_ID = CompiledQuery(
    lambda *, version: PromptVersion.objects.filter(pk=version).values_list(
        "body", "config", "parameters", "tools", "response_schema", "variables", "provider", "model"
    )
)
contents = Contents(MOST_CHARACTERS)
