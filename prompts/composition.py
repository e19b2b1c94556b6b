"""Prompts that include others: what is meant by an include, and which prompts a change touches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from prompts.drafts import Body, with_texts
from prompts.templating import Include, includes_in, replace_includes

MOST_LEVELS = 5
MOST_CHARACTERS = 1_000_000


class IncludeRefused(ValueError):
    """An include that leads nowhere, or back. ``path`` are the names on the way to it."""

    def __init__(self, path: tuple[str, ...], problem: str) -> None:
        super().__init__(f"{' → '.join(path)}: {problem}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Target:
    """The version that an include means at the moment."""

    name: str
    version: int
    body: Body


@dataclass(slots=True)
class Resolved:
    """``graph`` has, by the name of each including prompt, what it includes, as (name, version)."""

    body: Body
    graph: dict[str, list[tuple[str, int]]] = field(default_factory=dict)


Lookup = Callable[[Include], Target | None]


def resolve(name: str, body: Body, lookup: Lookup) -> Resolved:
    """``body`` with every include replaced by its text. ``lookup`` gives None for what there is not, or not to be seen.

    Raises IncludeRefused for missing targets, targets that are no text, cycles, more than ``MOST_LEVELS`` levels and
    texts that grow beyond ``MOST_CHARACTERS``.
    """
    resolver = _Resolver(lookup)
    return Resolved(resolver.body_of(body, (name,)), resolver.graph)


class _Resolver:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._texts: dict[Include, str] = {}
        self.graph: dict[str, list[tuple[str, int]]] = {}

    def body_of(self, body: Body, path: tuple[str, ...]) -> Body:
        return with_texts(body, lambda text: self._text_of(text, path))

    def _text_of(self, text: str, path: tuple[str, ...]) -> str:
        includes = includes_in(text)
        texts = {include: self._included(include, path) for include in includes}
        if len(text) + sum(len(texts[include]) for include in includes) > MOST_CHARACTERS:
            raise IncludeRefused(path, f"the text has more than {MOST_CHARACTERS:,} characters with what it includes.")
        return replace_includes(text, texts)

    def _included(self, include: Include, path: tuple[str, ...]) -> str:
        if include.name in path:
            raise IncludeRefused((*path, include.name), "a prompt cannot include itself.")
        if len(path) > MOST_LEVELS:
            raise IncludeRefused((*path, include.name), f"includes go at most {MOST_LEVELS} levels deep.")
        if include in self._texts:
            return self._texts[include]
        target = self._lookup(include)
        if target is None:
            raise IncludeRefused((*path, str(include)), "there is no such prompt, version or label.")
        if not isinstance(target.body, str):
            raise IncludeRefused((*path, str(include)), "only text prompts can be included.")
        edges = self.graph.setdefault(path[-1], [])
        if (target.name, target.version) not in edges:
            edges.append((target.name, target.version))
        self._texts[include] = self._text_of(target.body, (*path, include.name))
        return self._texts[include]
