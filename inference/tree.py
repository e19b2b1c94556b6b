"""A conversation's messages as a tree: which branch is shown, and which siblings a message has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar


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
