"""Pages of a list by position (keyset paging): nothing is counted, and rows that come or go meanwhile shift nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, F, Field, Model, Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

if TYPE_CHECKING:
    from django.db.models import QuerySet

PAGE_SIZE = 50
LIST = "list"
OLDER, NEWER = "older", "newer"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
M = TypeVar("M", bound=Model)
Rows = TypeVar("Rows", bound="QuerySet[Any]")


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows, and the queries of the pages before and after, or nothing where there is none."""

    rows: list[M]
    newer: str = ""
    older: str = ""


def get_page(rows: QuerySet[M], query: QueryDict, *, by: Sequence[str], size: int = PAGE_SIZE) -> Page[M]:
    """The rows older or newer than a position in ``query``, or the first ones where that is no full page.

    ``by`` names the columns that order the rows, as ``order_by`` does. None is ever NULL, and no two rows are equal in
    all of them.
    """
    if end := position_of(rows, by, query.get(NEWER, "")):
        found = list(beyond(rows, backwards(by), end)[: size + 1])
        if len(found) > size:
            return page_of(found[size - 1 :: -1], query, by, has_newer=True, has_older=True)
    if start := position_of(rows, by, query.get(OLDER, "")):
        found = list(beyond(rows, by, start)[: size + 1])
        if found:
            return page_of(found[:size], query, by, has_newer=True, has_older=len(found) > size)
    found = list(rows.order_by(*by)[: size + 1])
    return page_of(found[:size], query, by, has_newer=False, has_older=len(found) > size)


def query_of(query: QueryDict, *, without: str = "", **more: str) -> str:
    """``query`` from the first page on unless ``more`` has a position, and without what is blank; '' for nothing."""
    kept = QueryDict(mutable=True)
    for name, values in query.lists():
        if name not in (OLDER, NEWER, without):
            kept.setlist(name, [value for value in values if value])
    kept.update(more)
    return f"?{text}" if (text := kept.urlencode()) else ""


def render_list(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, query: QueryDict | None = None
) -> HttpResponse:
    """The page, or its part ``list`` alone where htmx is going to swap it, with an address without blank filters.

    ``query`` is that of the address, where it says the same as that of the request in fewer words.
    """
    asked = request.GET if query is None else query
    is_part = request.headers.get("HX-Target") == LIST
    response = render(request, f"{template}#{LIST}" if is_part else template, context)
    if is_part:
        positions = {name: str(asked[name]) for name in (OLDER, NEWER) if name in asked}
        response["HX-Push-Url"] = request.path + query_of(asked, **positions)
    patch_vary_headers(response, ["HX-Target"])
    return response


def page_of(found: list[M], query: QueryDict, by: Sequence[str], *, has_newer: bool, has_older: bool) -> Page[M]:
    """A page of these rows, with the queries of those around it."""
    newer = query_of(query, newer=cursor_of(found[0], by)) if has_newer else ""
    older = query_of(query, older=cursor_of(found[-1], by)) if has_older else ""
    return Page(found, newer, older)


def beyond(rows: Rows, by: Sequence[str], position: Sequence[Any]) -> Rows:
    """The rows that come after the position, in order."""
    return rows.order_by(*by).filter(_after(by, position))


def _after(by: Sequence[str], position: Sequence[Any]) -> Q:
    name, value, comparison = by[0].removeprefix("-"), position[0], "lt" if by[0].startswith("-") else "gt"
    if not by[1:]:
        return Q((f"{name}__{comparison}", value))
    # The bare bound lets an index find the place.
    is_level = Q((f"{name}__{comparison}e", value))
    return is_level & (Q((f"{name}__{comparison}", value)) | _after(by[1:], position[1:]))


def backwards(by: Sequence[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in by]


def cursor_of(row: Model, by: Sequence[str]) -> str:
    """A row's position as a URL has it."""
    return written_position([attrgetter(name.removeprefix("-").replace("__", "."))(row) for name in by])


def written_position(values: Iterable[Any]) -> str:
    """A value for each column, with points between them."""
    return ".".join(map(_written, values))


def position_of(rows: QuerySet[M], by: Sequence[str], cursor: str) -> list[Any] | None:
    """None for a text that is no position."""
    texts = cursor.split(".")
    if not cursor or len(texts) != len(by):
        return None
    columns = [F(name.removeprefix("-")).resolve_expression(rows.query.chain()) for name in by]
    try:
        return [_read(column.output_field, unquote(text)) for column, text in zip(columns, texts, strict=True)]
    except (ValidationError, ValueError, OverflowError):
        return None


def _written(value: Any) -> str:
    text = str((value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value)
    return text.replace("%", "%25").replace(".", "%2E")


def _read(field: Field[Any, Any], text: str) -> Any:
    return _EPOCH + int(text) * _MICROSECOND if isinstance(field, DateTimeField) else field.to_python(text)
