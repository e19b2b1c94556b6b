"""What has become of replays that have ended: their cost, and how they compare with the recorded calls."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from inference.backtests.comparing import Answer, compare
from inference.backtests.models import Backtest, BacktestCall, CallState
from inference.providers.base import Tool
from inference.providers.errors import AuthenticationFailed, NotFound, PermissionDenied
from telemetry.models import Generation, Status

# What would happen to every other call too.
_HOPELESS = {
    AuthenticationFailed.kind: "Invalid API key",
    PermissionDenied.kind: "Access denied by the provider",
    NotFound.kind: "Model not found",
}
_STATES = {
    Status.SUCCEEDED: CallState.DONE,
    Status.FAILED: CallState.FAILED,
    Status.STOPPED: CallState.STOPPED,
    Status.INTERRUPTED: CallState.INTERRUPTED,
}
_RECORD_GONE = "This replay's record no longer exists."


def settle(backtest: Backtest) -> tuple[list[BacktestCall], str]:
    """Note of every replay that has ended how it did. Within the transaction that has locked the backtest.

    Returns those that run, and why no other should be started, if that is so.
    """
    rows = list(backtest.calls.filter(state=CallState.RUNNING))
    replays = calls_of([row.replay_id for row in rows])
    ended = [row for row in rows if row.replay_id not in replays or replays[row.replay_id].status != Status.RUNNING]
    originals = calls_of([row.call_id for row in ended])
    objection = ""
    for row in ended:
        replay = replays.get(row.replay_id)
        _settle(row, originals.get(row.call_id), replay)
        if replay is not None and replay.error_type in _HOPELESS:
            objection = f"{_HOPELESS[replay.error_type]}: {replay.error_message}"[:500]
    return [row for row in rows if row not in ended], objection


def calls_of(ids: list[Any]) -> dict[Any, Generation]:
    """With their contents, by id."""
    calls: QuerySet[Generation] = Generation.objects.filter(pk__in=ids).select_related("content")
    return {call.pk: call for call in calls}


def _settle(row: BacktestCall, original: Generation | None, replay: Generation | None) -> None:
    row.cost_usd = _counted(row, replay)
    if replay is None:
        row.state, row.problem = CallState.INTERRUPTED, _RECORD_GONE
    else:
        row.state = _STATES[Status(replay.status)]
        row.problem = "" if row.state == CallState.DONE else (replay.error_message or row.get_state_display())[:500]
    if row.state == CallState.DONE and replay is not None and original is not None:
        tools, schema = offered_by(replay)
        compared = compare(answer_of(original), answer_of(replay), tools=tools, schema=schema)
        row.verdict, row.decided_by, row.measures = compared.verdict, compared.decided_by, dict(compared.measures)
    row.save()


def _counted(row: BacktestCall, replay: Generation | None) -> Decimal:
    """What is not known for certain counts as the most that it can be, so that the budget holds."""
    reserved = row.reserved_usd or Decimal()
    if replay is None or replay.status == Status.INTERRUPTED or replay.is_unpriced:
        return max(reserved, (replay.cost_usd if replay else None) or Decimal())
    return replay.cost_usd or Decimal()


def answer_of(call: Generation) -> Answer:
    content = getattr(call, "content", None)
    return Answer(
        has_succeeded=call.status == Status.SUCCEEDED,
        text=content.response_text if content else "",
        tool_calls=content.tool_calls if content else (),
        length=call.total_output_tokens,
        duration=call.seconds,
        cost=call.cost_usd,
    )


def offered_by(call: Generation) -> tuple[list[Tool], dict[str, Any] | None]:
    """The tools that a call offered, and the schema of its answer."""
    content = getattr(call, "content", None)
    sent = content.sent() if content else []
    offered = {message.role: json.loads(message.text) for message in sent if message.role in ("tools", "schema")}
    return [Tool(**tool) for tool in offered.get("tools", [])], offered.get("schema")
