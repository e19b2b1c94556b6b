"""Rows of the list as HTML: a page has a hundred of them, which a template takes five times as long for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Func, IntegerField
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.providers import label_of
from listing.icons import icon
from telemetry.dashboard.patterns import patterns_of
from telemetry.explorer.columns import Column
from telemetry.markup import markup
from telemetry.models import Generation, GenerationQuerySet, Status

NOTHING = "–"
# By status, its icon and the state that colours it.
_ICONS = {
    Status.SUCCEEDED: ("circle-check", "good"),
    Status.RUNNING: ("refresh-cw", "busy"),
    Status.STOPPED: ("circle-stop", "off"),
    Status.INTERRUPTED: ("triangle-alert", "caution"),
    Status.FAILED: ("circle-x", "bad"),
}
_SMALLEST = Decimal("0.00001")
_FIELDS = (
    *("user__name", "user__email", "provider", "base_url", "request_model", "status", "error_type", "error_status"),
    *("prompt_name", "prompt_version", "token_label", "started_at", "first_token_at", "ended_at", "input_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "usage_source", "cost_usd"),
    *("tags", "end_user", "session_id", "finish_reason"),
)


def for_rows(calls: GenerationQuerySet) -> GenerationQuerySet:
    """With what a row shows, and nothing else."""
    attempts = Func(F("attempts"), function="jsonb_array_length", output_field=IntegerField())
    return calls.select_related("user").only(*_FIELDS).annotate(attempt_count=attempts)


class RowWriter:
    """Rows of the table as HTML.

    ``path`` is that of the list, below which each call has its page; that takes the ``query`` for its neighbours.
    """

    def __init__(self, columns: Mapping[str, Column], *, viewer_id: int, path: str, query: str) -> None:
        self._columns = columns
        self._viewer_id = viewer_id
        self._path = path
        self._query = query
        self._today = timezone.localdate()
        self._icons = {status: icon(name) for status, (name, _) in _ICONS.items()}
        # One statement for a row: a page has a thousand cells.
        self._row_html = _ROW + "".join(_CELL_OF.get(key, _cell(column)) for key, column in columns.items()) + "</tr>"

    def rows(self, calls: Sequence[Generation], words: Mapping[UUID, str]) -> list[SafeString]:
        """``words``: the first words of the question by call, as far as the viewer may read them here."""
        patterns = patterns_of(dict.fromkeys((call.provider, call.request_model) for call in calls))
        return [self._row(call, words.get(call.pk, ""), patterns[call.provider, call.request_model]) for call in calls]

    def _row(self, call: Generation, words: str, pattern: str) -> SafeString:
        status = Status(call.status)
        state, label, tag = _ICONS[status][1], status.label, _tag(call)
        values = [value for key in self._columns for value in _VALUES[key](call, pattern)]
        return markup(
            self._row_html,
            *(state, label, self._icons[status], label, *_started(call, self._today)),
            *("" if words else "muted", f"{self._path}{call.pk}/{self._query}", words or self._no_words(call)),
            markup('<span class="tag" data-state="{}">{}</span>', state, tag) if tag else "",
            *values,
        )

    def _no_words(self, call: Generation) -> str:
        return "No text input" if call.user_id == self._viewer_id else "Private input"


_ROW = (
    '<tr role="row"><td role="cell" class="s"><span class="state" data-state="{}" title="{}">{}'
    '<span class="sr-only">{}</span></span></td>'
    '<td role="cell" class="t"><time datetime="{}" title="{} UTC">{}</time></td>'
    '<th scope="row" role="rowheader" class="q"><span class="q-line">'
    '<a class="row-link truncate {}" href="{}">{}</a>{}</span></th>'
)


def _cell(column: Column) -> str:
    """The first value is a word for the style sheet: ``none`` where there is nothing to show."""
    kind = f"num {column.css}" if column.is_figure else column.css
    return f'<td role="cell" class="{kind} {{}}"><span class="truncate">{{}}</span></td>'


# Cells of another shape than ``_cell`` gives them.
_CELL_OF = {
    "model": '<td role="cell" class="m"><span class="model-name">'
    '<svg class="swatch" width="10" height="10" aria-hidden="true">'
    '<rect width="10" height="10" rx="2" fill="url(#{})"/></svg>'
    '<span class="mono truncate" title="{}">{}</span></span></td>',
    "prompt": '<td role="cell" class="p {}"><span class="version"><span class="truncate" title="{}">{}</span>'
    "<span>{}</span></span></td>",
}


def _started(call: Generation, today: date) -> tuple[str, str, str]:
    """For programs, in UTC, and as it is shown: with the day where that is not today."""
    local, exact = timezone.localtime(call.started_at), call.started_at.astimezone(UTC)
    day = "" if local.date() == today else f"{local:%d %b} " if local.year == today.year else f"{local:%d %b %Y} "
    return f"{exact:%Y-%m-%dT%H:%M:%SZ}", f"{exact:%Y-%m-%d %H:%M:%S}", f"{day}{local:%H:%M:%S}"


def _tag(call: Generation) -> str:
    """What is out of the ordinary."""
    if call.status == Status.FAILED:
        return " ".join(filter(None, (str(call.error_status or ""), call.error_title))) or "Failed"
    if call.status != Status.SUCCEEDED:
        return str(Status(call.status).label)
    retries: int = getattr(call, "attempt_count", 0) - 1
    return "" if retries < 1 else "1 retry" if retries == 1 else f"{retries} retries"


def _text(value: str) -> tuple[str, str]:
    return ("", value) if value else ("none", NOTHING)


def _seconds(value: float | None) -> tuple[str, str]:
    return _text("" if value is None else f"{value:,.2f}")


def _count(value: int | None, call: Generation) -> tuple[str, str]:
    estimated = "≈ " if call.usage_source == "estimated" else ""
    return _text("" if value is None else f"{estimated}{value:,}")


def _speed(value: float | None) -> tuple[str, str]:
    return _text("" if value is None else f"{value:,.0f}")


def _cost(call: Generation) -> tuple[str, str]:
    """Always with five decimals, so that the points stand below each other."""
    usd = call.cost_usd
    if usd is None:
        return ("muted", "unpriced") if call.is_unpriced else ("none", NOTHING)
    estimated = "≈ " if call.usage_source == "estimated" else ""
    return "", f"<${_SMALLEST}" if 0 < usd < _SMALLEST else f"{estimated}${usd:,.5f}"


def _prompt(call: Generation) -> tuple[str, str, str, str]:
    """However long its name, its version is seen."""
    if not call.prompt_name:
        return "none", "", NOTHING, ""
    return "", call.prompt_name, call.prompt_name, f"v{call.prompt_version}"


def _user(call: Generation) -> tuple[str, str]:
    return _text(call.user.get_full_name() if call.user else "Deleted user")


# By column, what its cell shows. All take the call and the pattern of its model.
_VALUES: Mapping[str, Callable[[Generation, str], Sequence[str]]] = {
    "model": lambda call, pattern: (pattern, call.request_model, call.request_model),
    "endpoint": lambda call, _: _text(call.base_url or label_of(call.provider)),
    "first_token": lambda call, _: _seconds(call.seconds_to_first_token),
    "duration": lambda call, _: _seconds(call.seconds),
    "input": lambda call, _: _count(call.total_input_tokens, call),
    "cached": lambda call, _: _count(call.cache_read_tokens, call),
    "output": lambda call, _: _count(call.total_output_tokens, call),
    "reasoning": lambda call, _: _count(call.reasoning_tokens, call),
    "speed": lambda call, _: _speed(call.output_tokens_per_second),
    "cost": lambda call, _: _cost(call),
    "user": lambda call, _: _user(call),
    "prompt": lambda call, _: _prompt(call),
    "tags": lambda call, _: _text(", ".join(call.tags)),
    "end_user": lambda call, _: _text(call.end_user),
    "session": lambda call, _: _text(call.session_id),
    "key": lambda call, _: _text(call.token_label),
    "finish": lambda call, _: _text(call.finish_reason.replace("_", " ")),
}
