"""A conversation's messages as a tree: which branch is shown, and which siblings a message has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar


class Node(Protocol):
    pk: int
    parent_id: int | None


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


def siblings_of(node: N, nodes: Mapping[int, N]) -> list[int]:
    """The ids of all messages with the same parent, oldest first, ``node`` among them."""
    return sorted(other.pk for other in nodes.values() if other.parent_id == node.parent_id)
