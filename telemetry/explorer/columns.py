"""The columns of the list: which there are, what each sorts by, and which columns of an export it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import F, Value
from django.db.models.expressions import BaseExpression, Combinable
from django.db.models.functions import Coalesce
from django.http import QueryDict


@dataclass(frozen=True, slots=True)
class Column:
    """``sorts_by``: an expression; those of figures are NULL for some calls. ``exports``: what it shows, in files."""

    label: str
    unit: str = ""
    sorts_by: Combinable | None = None
    exports: Sequence[str] = ()
    is_figure: bool = True
    is_default: bool = False
    css: str = ""


def _total(*names: str) -> Combinable:
    first, *others = names
    total: Combinable = F(first)
    for name in others:
        total = total + Coalesce(F(name), Value(0))
    return total


# By the unit: below and above all that there is.
_EXTREMES: Mapping[str, tuple[object, object]] = {
    "s": (timedelta(seconds=-1), timedelta(days=36500)),
    "USD": (Decimal(-1), Decimal(10**11)),
}
_INPUT = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
_OUTPUT = ("output_tokens", "reasoning_tokens")

# In the order in which they stand. Status, time and input are always there.
COLUMNS: Mapping[str, Column] = {
    "model": Column("Model", "", F("request_model"), ("request_model",), is_figure=False, is_default=True, css="m"),
    "endpoint": Column("Endpoint", "", F("provider"), ("provider", "base_url"), is_figure=False, css="u"),
    "first_token": Column(
        "First token", "s", F("first_token_at") - F("started_at"), ("first_token_at",), is_default=True, css="f"
    ),
    "duration": Column("Duration", "s", F("ended_at") - F("started_at"), ("ended_at",), is_default=True, css="d"),
    "input": Column("In", "tok", _total(*_INPUT), _INPUT, is_default=True, css="i"),
    "cached": Column("Cached", "tok", F("cache_read_tokens"), ("cache_read_tokens",), css="x"),
    "output": Column("Out", "tok", _total(*_OUTPUT), _OUTPUT, is_default=True, css="o"),
    "reasoning": Column("Reasoning", "tok", F("reasoning_tokens"), ("reasoning_tokens",), css="x"),
    "speed": Column("Speed", "tok/s", None, ("output_tokens", "first_token_at", "ended_at"), css="x"),
    "cost": Column("Cost", "USD", F("cost_usd"), ("cost_usd",), is_default=True, css="c"),
    "user": Column("User", "", F("user__email"), ("user",), is_figure=False, is_default=True, css="u"),
    "prompt": Column(
        "Prompt", "", F("prompt_name"), ("prompt_name", "prompt_version"), is_figure=False, is_default=True, css="p"
    ),
    "tags": Column("Tags", "", None, ("tags",), is_figure=False, css="p"),
    "end_user": Column("End user", "", F("end_user"), ("end_user",), is_figure=False, css="p"),
    "session": Column("Session", "", F("session_id"), ("session_id",), is_figure=False, css="p"),
    "key": Column("Key", "", F("token_label"), ("token_label",), is_figure=False, css="p"),
    "finish": Column("Finish reason", "", F("finish_reason"), ("finish_reason",), is_figure=False, css="u"),
}
DEFAULT = [key for key, column in COLUMNS.items() if column.is_default]
NEWEST_FIRST = ("-started_at", "-id")
# The value of ``sort`` for the order of time the other way round.
OLDEST_FIRST = "started"


def sort_choices() -> list[tuple[str, str]]:
    """Values of ``sort``, and how they are called."""
    choices = [("", "Newest first"), (OLDEST_FIRST, "Oldest first")]
    for key, column in COLUMNS.items():
        if column.sorts_by is not None:
            up, down = ("lowest first", "highest first") if column.is_figure else ("A–Z", "Z–A")
            choices += [(f"-{key}", f"{column.label}: {down}"), (key, f"{column.label}: {up}")]
    return choices


def sort_key(sort: str) -> BaseExpression | Combinable | None:
    """What ``sort`` compares: never NULL, and what is not known comes last. None for the order of time."""
    column = COLUMNS.get(sort.removeprefix("-"))
    if column is None or column.sorts_by is None:
        return None
    return Coalesce(column.sorts_by, _last(column, descending=sort.startswith("-")))


def _last(column: Column, *, descending: bool) -> Value:
    if not column.is_figure:
        return Value("" if descending else "\U0010ffff")
    lowest, highest = _EXTREMES.get(column.unit, (-1, 2**31 - 1))
    return Value(lowest if descending else highest)


def without_usual(query: QueryDict, *, with_users: bool) -> QueryDict:
    """The query as it is where the usual columns are not chosen: a form sends them all the same."""
    if set(query.getlist("col")) != set(columns_of([], with_users=with_users)):
        return query
    shorter = query.copy()
    del shorter["col"]
    return shorter


def exported(keys: Sequence[str]) -> list[str]:
    """The columns of a file for these of the list; none for none."""
    return [name for key in keys for name in COLUMNS[key].exports]


def columns_of(keys: Sequence[str], *, with_users: bool) -> dict[str, Column]:
    """Those chosen, or the usual ones. Only administrators see calls of others."""
    wanted = set(keys or DEFAULT) - (set() if with_users else {"user"})
    return {key: column for key, column in COLUMNS.items() if key in wanted}
