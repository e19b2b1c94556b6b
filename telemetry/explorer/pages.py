"""Which calls a page of the list shows, in the order that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.http import QueryDict

from listing.pages import Page, backwards, get_page
from telemetry.explorer.columns import NEWEST_FIRST, OLDEST_FIRST, sort_key
from telemetry.explorer.rows import for_rows
from telemetry.explorer.scan import Scan, edge_of, from_edge_on, scanned_page
from telemetry.models import Generation, GenerationQuerySet

if TYPE_CHECKING:
    from accounts.models import User
    from telemetry.explorer.filters import CallFilter

PAGE_SIZE = 100
# Among how many of the newest calls other orders than that of time are made.
SORTED = 50_000


@dataclass(frozen=True, slots=True)
class CallPage:
    """``scan``: where the search ended, unless it is complete. ``sorted_since``: the bound of an order, if any."""

    page: Page[Generation]
    scan: Scan | None = None
    sorted_since: datetime | None = None
    is_newest: bool = False


def call_page(form: CallFilter, query: QueryDict, *, user: User) -> CallPage:
    if not form.is_valid():
        return CallPage(Page([]))
    visible = Generation.objects.visible_to(user)
    area, wanted = form.indexed(visible), for_rows(form.apply(visible))
    sort = form.sort_value
    if sort not in ("", OLDEST_FIRST):
        return _sorted_page(area, wanted, query, sort)
    by = backwards(NEWEST_FIRST) if sort else NEWEST_FIRST
    if form.needs_scan:
        page, scan = scanned_page(area, wanted, query, by=by, size=PAGE_SIZE)
    else:
        page, scan = get_page(wanted, query, by=by, size=PAGE_SIZE), None
    return CallPage(page, scan, is_newest=not (sort or page.newer))


def _sorted_page(area: GenerationQuerySet, wanted: GenerationQuerySet, query: QueryDict, sort: str) -> CallPage:
    """By value and id, among the newest calls: no index has them in that order."""
    edge = edge_of(area, SORTED)
    rows = wanted.filter(from_edge_on(edge)) if edge else wanted
    sign = "-" if sort.startswith("-") else ""
    page = get_page(rows.annotate(sort_value=sort_key(sort)), query, by=[f"{sign}sort_value", "-id"], size=PAGE_SIZE)
    return CallPage(page, sorted_since=edge[0] if edge else None)
