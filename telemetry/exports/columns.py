"""The columns of exported files, and the statement that reads a batch of them. Pure but for the query of Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telemetry.models import GenerationQuerySet


class Kind(Enum):
    """How a value is written as text, as SQL. Times are in UTC, decimals have all their digits."""

    ID = "{}::text"
    TEXT = "nullif({}, '')"
    TIME = "replace(({} AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"
    NUMBER = "{}"
    DECIMAL = "trim_scale({})::text"
    LIST = "to_json({})"


# By their names in the file.
COLUMNS: Mapping[str, Kind] = {
    "id": Kind.ID,
    "started_at": Kind.TIME,
    "first_token_at": Kind.TIME,
    "ended_at": Kind.TIME,
    "user": Kind.TEXT,
    "provider": Kind.TEXT,
    "base_url": Kind.TEXT,
    "request_model": Kind.TEXT,
    "response_model": Kind.TEXT,
    "status": Kind.TEXT,
    "finish_reason": Kind.TEXT,
    "error_type": Kind.TEXT,
    "error_status": Kind.NUMBER,
    "prompt_name": Kind.TEXT,
    "prompt_version": Kind.NUMBER,
    "token_label": Kind.TEXT,
    "conversation_id": Kind.ID,
    "session_id": Kind.TEXT,
    "end_user": Kind.TEXT,
    "tags": Kind.LIST,
    "input_tokens": Kind.NUMBER,
    "cache_read_tokens": Kind.NUMBER,
    "cache_write_tokens": Kind.NUMBER,
    "output_tokens": Kind.NUMBER,
    "reasoning_tokens": Kind.NUMBER,
    "usage_source": Kind.TEXT,
    "cost_usd": Kind.DECIMAL,
}
# Every file has these, in this place: they tell calls apart, and where the next batch begins.
ALWAYS = ("id", "started_at", "status")


def chosen(names: Sequence[str]) -> list[str]:
    """All columns where none are named, else those and ``ALWAYS``."""
    wanted = {*ALWAYS, *names} if names else set(COLUMNS)
    return [*ALWAYS, *(name for name in COLUMNS if name in wanted - set(ALWAYS))]


def batch_of(
    calls: GenerationQuerySet, names: Sequence[str], written_as: Mapping[Kind, str], size: int
) -> tuple[str, tuple[Any, ...]]:
    """SQL and its parameters for the newest ``size`` calls. ``written_as`` replaces the kinds' own SQL."""
    fields = ["user__email" if name == "user" else name for name in names]
    newest = calls.order_by("-started_at", "-id").values_list(*fields)[:size]
    inner, parameters = newest.query.sql_with_params()
    shown = ", ".join(f"{_sql(name, written_as)} AS {_quoted(name)}" for name in names)
    named = ", ".join(map(_quoted, names))
    return f"SELECT {shown} FROM ({inner}) AS call ({named})", tuple(parameters)  # noqa: S608 (our own columns)


def _sql(name: str, written_as: Mapping[Kind, str]) -> str:
    kind = COLUMNS[name]
    return written_as.get(kind, kind.value).format(f"call.{_quoted(name)}")


def _quoted(name: str) -> str:
    return f'"{name}"'
