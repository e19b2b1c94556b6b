"""What this app keeps of a person: backtests, and how their replays compared."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from inference.backtests.models import Backtest

_BACKTEST = (
    *("id", "title", "visibility", "filters", "seed", "prompt_name", "target_version", "provider", "model"),
    *("parameters", "budget_usd", "parallel", "estimate", "state", "note", "created_at", "started_at", "ended_at"),
)
_CALL = ("call_id", "replay_id", "state", "problem", "cost_usd", "verdict", "decided_by", "measures")


def export(user: User) -> Iterator[Values]:
    for backtest in in_batches(Backtest.objects.filter(owner=user)):
        yield values_of(backtest, "backtest", *_BACKTEST)
        for row in in_batches(backtest.calls.all()):
            yield {**values_of(row, "backtest call", *_CALL), "backtest": backtest.pk}


def erase(user: User, actor: User | None) -> dict[str, int]:
    backtests = Backtest.objects.filter(owner=user)
    count = backtests.count()
    backtests.delete()
    return {"backtests": count}


HANDLER = PersonalDataHandler(
    "backtests", export, erase, covers=frozenset({"backtests.backtest.owner"}), before=frozenset({"telemetry"})
)
