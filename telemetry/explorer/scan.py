"""Pages of calls that no index finds: the newest are looked through, window by window, for a bounded time.

What was found until then is shown, with where to go on. Nothing is counted, nobody waits for minutes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import QueryDict

from listing.pages import NEWER, OLDER, Page, backwards, beyond, page_of, position_of, query_of, written_position
from telemetry.explorer.columns import NEWEST_FIRST
from telemetry.models import Generation, GenerationQuerySet

BOX_SECONDS = 2.0
# How many calls the first window has; the next ones have as many as take about this long.
FIRST, LARGEST = 2_000, 50_000
WINDOW_SECONDS = 0.3
Position = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Scan:
    """Where the time was up: how many calls were read, the start of the last one, and the query that goes on there."""

    read: int
    reached: datetime
    continues: str


@dataclass(slots=True)
class _Search:
    """``area``: calls that an index finds. ``wanted``: those of them that are looked for. ``by``: which way it goes."""

    area: GenerationQuerySet
    wanted: GenerationQuerySet
    by: Sequence[str]
    position: Position | None
    found: list[Generation] = field(default_factory=list)
    read: int = 0
    is_over: bool = False

    def run(self, most: int, seconds: float) -> None:
        """Until there are ``most``, all is read, or the time is up."""
        began, window = time.monotonic(), FIRST
        while len(self.found) < most and not self.is_over:
            if self.read and time.monotonic() - began > seconds:
                return
            before = time.monotonic()
            self._look(window, most)
            took = max(time.monotonic() - before, 0.001)
            window = min(int(window * min(max(WINDOW_SECONDS / took, 0.25), 4)), LARGEST)

    def _look(self, window: int, most: int) -> None:
        edge = _last_of(self._from_here(self.area), self.by, window)
        rows = self._from_here(self.wanted)
        if edge:
            rows = rows.filter(_until(edge, self.by))
        self.found += rows[: most - len(self.found)]
        self.is_over = edge is None
        if edge and len(self.found) < most:
            self.position = edge
            self.read += window

    def _from_here(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        return beyond(rows, self.by, self.position) if self.position else rows.order_by(*self.by)


def scanned_page(
    area: GenerationQuerySet, wanted: GenerationQuerySet, query: QueryDict, *, by: Sequence[str], size: int
) -> tuple[Page[Generation], Scan | None]:
    """A page as ``listing.pages.get_page`` makes it, and where the search ended unless it is complete."""
    if before := position_of(area, by, query.get(NEWER, "")):
        search = _Search(area, wanted, backwards(by), before)
        search.run(size + 1, BOX_SECONDS)
        if len(search.found) > size:
            return page_of(search.found[size - 1 :: -1], query, by, has_newer=True, has_older=True), None
    position = position_of(area, by, query.get(OLDER, ""))
    search = _Search(area, wanted, by, position)
    search.run(size + 1, BOX_SECONDS)
    is_full = len(search.found) > size
    page = page_of(search.found[:size], query, by, has_newer=bool(position and search.found), has_older=is_full)
    return page, _where_it_ended(search, query, is_full=is_full)


def _where_it_ended(search: _Search, query: QueryDict, *, is_full: bool) -> Scan | None:
    if is_full or search.is_over or search.position is None:
        return None
    return Scan(search.read, search.position[0], query_of(query, **{OLDER: written_position(search.position)}))


def edge_of(area: GenerationQuerySet, count: int) -> Position | None:
    """Of the newest ``count`` calls the last; None where there are not so many."""
    return _last_of(area.order_by(*NEWEST_FIRST), NEWEST_FIRST, count)


def from_edge_on(edge: Position) -> Q:
    """The calls down to the edge."""
    return _until(edge, NEWEST_FIRST)


def _last_of(rows: GenerationQuerySet, by: Sequence[str], count: int) -> Position | None:
    # An index alone finds it.
    edge: Position | None = rows.values_list(*(name.removeprefix("-") for name in by))[count - 1 : count].first()
    return edge


def _until(edge: Position, by: Sequence[str]) -> Q:
    comparison = "gt" if by[0].startswith("-") else "lt"
    moment, pk = edge
    return Q(**{f"started_at__{comparison}e": moment}) & (
        Q(**{f"started_at__{comparison}": moment}) | Q(**{f"id__{comparison}e": pk})
    )
