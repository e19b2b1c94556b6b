"""All that the page of the list shows, but for the figures above it, which come after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString

from listing.pages import cursor_of, position_of, query_of
from telemetry.explorer.columns import COLUMNS, NEWEST_FIRST, OLDEST_FIRST, Column, columns_of
from telemetry.explorer.models import SavedView
from telemetry.explorer.pages import SORTED, CallPage, call_page
from telemetry.explorer.rows import RowWriter
from telemetry.explorer.words import first_words_of
from telemetry.models import Generation

if TYPE_CHECKING:
    from accounts.models import User
    from telemetry.explorer.filters import CallFilter

# So many new calls are counted at most.
MOST_NEW = 99


@dataclass(frozen=True, slots=True)
class Head:
    """Of a column. ``href`` sorts by it, or the other way round; ``order``: as ``aria-sort`` has it."""

    column: Column
    href: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view; ``view`` is None for the list as it is."""

    name: str
    href: str
    is_current: bool
    view: SavedView | None = None
    is_own: bool = False


def context_of(form: CallFilter, query: QueryDict, *, user: User) -> dict[str, Any]:
    """For the template of the list."""
    path = reverse("telemetry:generation-list")
    found = call_page(form, query, user=user)
    columns = columns_of(form.columns, with_users=user.is_administrator)
    return {
        "form": form,
        "found": found,
        "page": found.page,
        "rows": listed_rows(found, columns, viewer=user, path=path, query=query_of(query)),
        "time_href": time_href(form, query, path),
        "heads": heads_of(form, columns, query, path),
        "column_choices": column_choices(form, with_users=user.is_administrator),
        "tabs": tabs_of(user, query),
        "query": query_of(query),
        "newest": newest_of(found),
        "most_sorted": SORTED,
    }


def heads_of(form: CallFilter, columns: Mapping[str, Column], query: QueryDict, path: str) -> list[Head]:
    return [_head(key, column, form.sort_value, query, path) for key, column in columns.items()]


def time_href(form: CallFilter, query: QueryDict, path: str) -> str:
    """Sorts by time, or the other way round."""
    return path + (query_of(query, without="sort") if form.sort_value else query_of(query, sort=OLDEST_FIRST))


def _head(key: str, column: Column, sort: str, query: QueryDict, path: str) -> Head:
    if column.sorts_by is None:
        return Head(column)
    first, second = (f"-{key}", key) if column.is_figure else (key, f"-{key}")
    order = {f"-{key}": "descending", key: "ascending"}.get(sort, "")
    return Head(column, path + query_of(query, sort=second if sort == first else first), order)


def listed_rows(
    found: CallPage, columns: Mapping[str, Column], *, viewer: User, path: str, query: str
) -> list[SafeString]:
    calls = found.page.rows
    writer = RowWriter(columns, viewer_id=viewer.pk, path=path, query=query)
    return writer.rows(calls, first_words_of(calls, viewer=viewer))


def column_choices(form: CallFilter, *, with_users: bool) -> list[tuple[str, str, bool]]:
    """Key, label, and whether it is shown."""
    shown = columns_of(form.columns, with_users=with_users)
    return [(key, column.label, key in shown) for key, column in COLUMNS.items() if with_users or key != "user"]


def tabs_of(viewer: User, query: QueryDict) -> list[Tab]:
    """The list as it is, and what the viewer may see of saved views."""
    path, asked = reverse("telemetry:generation-list"), query_of(query)
    views = SavedView.objects.visible_to(viewer).select_related("team")
    saved = [Tab(view.name, path + view.query, view.query == asked, view, view.owner_id == viewer.pk) for view in views]
    return [Tab("All calls", path, not asked), *saved]


def newest_of(found: CallPage) -> str:
    """The position of the newest call of the list, from which new ones are counted; '' where they are not."""
    rows: Sequence[Generation] = found.page.rows
    return cursor_of(rows[0], NEWEST_FIRST) if found.is_newest and rows else ""


def new_calls(form: CallFilter, after: str, *, user: User) -> int:
    """How many have come since that position, ``MOST_NEW`` and one at most."""
    visible = Generation.objects.visible_to(user)
    position = position_of(visible, NEWEST_FIRST, after)
    if position is None or not form.is_valid():
        return 0
    moment, pk = position
    newer = form.apply(visible.between(moment, None)).filter(Q(started_at__gt=moment) | Q(id__gt=pk))
    return newer.order_by()[: MOST_NEW + 1].count()
