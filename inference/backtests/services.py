"""Every change to a backtest that its owner makes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.services import record
from inference.backtests.actions import BacktestAction
from inference.backtests.estimating import estimate
from inference.backtests.models import AGAIN, Backtest, BacktestCall, CallState, State
from inference.backtests.tasks import ask_worker

if TYPE_CHECKING:
    from accounts.models import User
    from prompts.models import Prompt


class BacktestRefused(Exception):
    """A step that cannot be taken, and what to do about it. Nothing has been changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be replayed, and how. ``call_ids``: all that the filters found; ``sample`` of them are drawn."""

    title: str
    call_ids: Sequence[UUID]
    sample: int
    budget_usd: Decimal
    filters: Mapping[str, Any] = field(default_factory=dict)
    prompt: Prompt | None = None
    target_version: int | None = None
    provider: str = ""
    model: str = ""
    token_id: UUID | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parallel: int = 4
    seed: int | None = None


@transaction.atomic
def create_backtest(*, owner: User, plan: Plan) -> Backtest:
    """With its calls drawn and its cost estimated. Raises BacktestRefused for a backtest of nothing."""
    if not plan.call_ids:
        raise BacktestRefused("No calls match. Widen the filters.")
    seed = secrets.randbelow(2**31) if plan.seed is None else plan.seed
    drawn = draw(plan.call_ids, plan.sample, seed)
    backtest = Backtest(
        owner=owner,
        title=plan.title[:200],
        filters=dict(plan.filters),
        matching=len(plan.call_ids),
        seed=seed,
        prompt_id=plan.prompt.pk if plan.prompt else None,
        prompt_name=plan.prompt.name if plan.prompt else "",
        target_version=plan.target_version,
        provider=plan.provider,
        model=plan.model,
        token_id=plan.token_id,
        parameters=dict(plan.parameters),
        budget_usd=plan.budget_usd,
        parallel=plan.parallel,
    )
    backtest.estimate = estimate(backtest, drawn).as_json()
    backtest.save()
    BacktestCall.objects.bulk_create(
        BacktestCall(backtest=backtest, position=position, call_id=call_id)
        for position, call_id in enumerate(drawn, start=1)
    )
    return backtest


def draw(call_ids: Sequence[UUID], size: int, seed: int) -> list[UUID]:
    """A sample without repeats, in the order of ``call_ids``; the same for the same calls and seed."""
    if size >= len(call_ids):
        return list(call_ids)
    lots = [sha256(f"{seed}:{call_id}".encode()).digest() for call_id in call_ids]
    drawn = sorted(range(len(call_ids)), key=lots.__getitem__)[:size]
    return [call_ids[place] for place in sorted(drawn)]


@transaction.atomic
def start_backtest(*, backtest: Backtest, actor: User, most_unpriced: int | None = None) -> None:
    """Begin it, or go on with it. ``most_unpriced``: how many calls without a known price may be made from now on.

    Raises BacktestRefused.
    """
    locked = _locked(backtest)
    if locked.state == State.RUNNING:
        return
    if locked.state not in (State.DRAFT, State.PAUSED):
        raise BacktestRefused("This backtest has ended. Create a new one.")
    if locked.estimate.get("unpriced") and most_unpriced is None and not locked.most_unpriced:
        raise BacktestRefused("Some calls have no known price. Allow unpriced calls, or choose another model.")
    if most_unpriced is not None:
        locked.most_unpriced = most_unpriced
    _run(locked)
    after = {"calls": locked.calls.count(), "budget_usd": str(locked.budget_usd), "unpriced": locked.most_unpriced}
    record(action=BacktestAction.BACKTEST_START, actor=actor, target=locked, after=after)


@transaction.atomic
def pause_backtest(*, backtest: Backtest, actor: User) -> None:
    """Calls that run go on to their end; no other is started."""
    locked = _locked(backtest)
    if locked.state == State.RUNNING:
        locked.state, locked.note = State.PAUSED, ""
        locked.save(update_fields=["state", "note"])
        record(action=BacktestAction.BACKTEST_PAUSE, actor=actor, target=locked)


@transaction.atomic
def cancel_backtest(*, backtest: Backtest, actor: User) -> None:
    """Calls that run are stopped."""
    locked = _locked(backtest)
    if locked.state in (State.RUNNING, State.PAUSED):
        locked.state, locked.note, locked.ended_at = State.CANCELLED, "", timezone.now()
        locked.save(update_fields=["state", "note", "ended_at"])
        ask_worker(locked.pk)
        record(action=BacktestAction.BACKTEST_CANCEL, actor=actor, target=locked)


@transaction.atomic
def run_again(*, row: BacktestCall, actor: User) -> None:
    """Replay a call once more that has no answer. What the first try may have cost stays counted.

    Raises BacktestRefused where it runs, has an answer, or the budget is used up.
    """
    locked = _locked(row.backtest)
    again = BacktestCall.objects.filter(pk=row.pk, state__in=AGAIN).first()
    if again is None:
        raise BacktestRefused("This call is running or already has its answer.")
    locked.lost_usd += again.cost_usd or 0
    again.state, again.problem, again.replay_id = CallState.WAITING, "", None
    again.reserved_usd = again.cost_usd = None
    again.save()
    _run(locked)
    record(action=BacktestAction.BACKTEST_START, actor=actor, target=locked, after={"call": str(again.call_id)})


@transaction.atomic
def delete_backtest(*, backtest: Backtest, actor: User) -> None:
    """The calls that it made stay in telemetry. Raises BacktestRefused while it runs."""
    locked = _locked(backtest)
    if locked.state == State.RUNNING or locked.calls.filter(state=CallState.RUNNING).exists():
        raise BacktestRefused("Cancel it first, and wait until its calls have ended.")
    pk = locked.pk
    locked.delete()
    locked.pk = pk
    record(action=BacktestAction.BACKTEST_DELETE, actor=actor, target=locked)


def _locked(backtest: Backtest) -> Backtest:
    """Waits until a worker that is about to start calls has started them."""
    return Backtest.objects.select_for_update(of=("self",)).select_related("owner").get(pk=backtest.pk)


def _run(backtest: Backtest) -> None:
    backtest.state, backtest.note, backtest.ended_at = State.RUNNING, "", None
    backtest.started_at = backtest.started_at or timezone.now()
    backtest.save()
    ask_worker(backtest.pk)
