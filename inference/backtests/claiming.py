"""One step of a running backtest: what has ended is settled, and as many calls are started as it may have.

All of it is one transaction that holds the lock of the backtest. A call that was claimed is recorded with what it may
cost before anything is sent, so that whoever goes on after a crash neither forgets it nor makes it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.providers import is_endpoint
from inference.attachments.services import note_sent
from inference.backtests.estimating import most_usd
from inference.backtests.models import Backtest, BacktestCall, CallState, State
from inference.backtests.replays import NotReplayable, Replay, check_files, replay_of
from inference.backtests.settling import settle
from inference.runs.calls import WantedCall, accesses, start_calls
from inference.runs.prompt_lookup import prompt_use
from inference.runs.start import Access, LimitReached, PreparedRun, RunRefused
from prompts.models import Prompt, PromptVersion
from telemetry.models import Generation
from telemetry.prompt_use import PromptUse

# Looked at in one step; the rest waits for the next.
MOST_AT_ONCE = 20
CALL_GONE = "This call's record no longer exists."


@dataclass(frozen=True, slots=True)
class Step:
    """``orders``: calls to make now. ``stopped``: replays to stop. ``is_over``: nothing is left to do."""

    orders: Sequence[PreparedRun] = ()
    stopped: Sequence[UUID] = ()
    is_over: bool = False


class _Halt(Exception):
    """Why no call at all can be started, and the state that the backtest is in from now on."""

    def __init__(self, state: State, note: str) -> None:
        super().__init__(note)
        self.state, self.note = state, note[:500]


class _Wait(Exception):
    """Why the next call cannot be started yet."""


@transaction.atomic
def take_step(backtest_id: UUID, *, may_start: bool = True) -> Step:
    locked = Backtest.objects.select_for_update(of=("self",)).select_related("owner").filter(pk=backtest_id)
    backtest = locked.first()
    if backtest is None:
        return Step(is_over=True)
    running, objection = settle(backtest)
    if backtest.state == State.RUNNING and may_start:
        return _go_on(backtest, len(running), objection)
    stopped = [row.replay_id for row in running if row.replay_id] if backtest.state == State.CANCELLED else []
    return Step(stopped=stopped, is_over=not running)


def _go_on(backtest: Backtest, running: int, objection: str) -> Step:
    orders: list[PreparedRun] = []
    try:
        if objection:
            raise _Halt(State.PAUSED, objection)
        _start_some(backtest, running, orders)
        if not running and not orders and not backtest.calls.filter(state=CallState.WAITING).exists():
            raise _Halt(State.DONE, "")
    except _Halt as halt:
        _end(backtest, halt)
    except _Wait as wait:
        _note(backtest, str(wait)[:500])
    else:
        _note(backtest, "")
    return Step(orders, is_over=backtest.state != State.RUNNING and not running and not orders)


def _end(backtest: Backtest, halt: _Halt) -> None:
    backtest.state, backtest.note = halt.state, halt.note
    backtest.ended_at = None if halt.state == State.PAUSED else timezone.now()
    backtest.save(update_fields=["state", "note", "ended_at"])


def _note(backtest: Backtest, note: str) -> None:
    if backtest.note != note:
        backtest.note = note
        backtest.save(update_fields=["note"])


def _start_some(backtest: Backtest, running: int, orders: list[PreparedRun]) -> None:
    """Add to ``orders`` what was started. Raises _Halt and _Wait."""
    version = _version(backtest)
    rows = backtest.calls.filter(state=CallState.WAITING)[:MOST_AT_ONCE]
    calls = Generation.objects.filter(user=backtest.owner, pk__in=[row.call_id for row in rows])
    by_id = {call.pk: call for call in calls.select_related("content")}
    for row in rows:
        if running + len(orders) >= backtest.parallel:
            return
        try:
            if row.call_id not in by_id:
                raise NotReplayable(CALL_GONE)
            call = by_id[row.call_id]
            orders.append(_start(backtest, row, call, replay_of(call, backtest, version), running + len(orders)))
        except NotReplayable as reason:
            row.state, row.problem = CallState.SKIPPED, str(reason)[:500]
            row.save(update_fields=["state", "problem"])


def _version(backtest: Backtest) -> PromptVersion | None:
    """The version to replay with. Raises _Halt where it was deleted, or is no longer shared with the owner."""
    if not backtest.owner.is_active:
        raise _Halt(State.PAUSED, "Its owner has been deactivated.")
    if backtest.target_version is None or backtest.prompt_id is None:
        return None
    prompts = Prompt.objects.visible_to(backtest.owner).filter(pk=backtest.prompt_id)
    versions = PromptVersion.objects.filter(prompt__in=prompts, number=backtest.target_version)
    version = versions.select_related("prompt").first()
    if version is None:
        name = f"“{backtest.prompt_name}” v{backtest.target_version}"
        raise _Halt(State.CANCELLED, f"{name} was deleted, or is no longer shared with you. Results so far are kept.")
    return version


def _start(backtest: Backtest, row: BacktestCall, call: Generation, replay: Replay, running: int) -> PreparedRun:
    """Raises NotReplayable, _Halt and _Wait."""
    access = _access(backtest, replay)
    check_files(replay, access.token)
    base_url = access.token.base_url if access.token else ""
    reserved = most_usd(replay, recorded_input=call.total_input_tokens or 0, base_url=base_url)
    _check_budget(backtest, reserved, running)
    wanted = WantedCall(replay.provider, replay.request, _prompt_use(backtest, call))
    try:
        # A limit that is reached undoes no more than this.
        with transaction.atomic():
            [order] = start_calls(backtest.owner, [(wanted, access)])
    except LimitReached as limit:
        raise _Wait(f"Waiting: {limit.message}") from limit
    note_sent(replay.files)
    row.state, row.replay_id = CallState.RUNNING, order.generation_id
    row.reserved_usd, row.is_unpriced = reserved, reserved is None
    row.save()
    return replace(order, file_tokens=sum(file.tokens for file in replay.files))


def _access(backtest: Backtest, replay: Replay) -> Access:
    chosen, default = (replay.provider, replay.token_id), (replay.provider, None)
    access = accesses(backtest.owner, [chosen])[chosen]
    # A key that a call was made with may have been replaced by another of the same account; a server is not its like.
    if isinstance(access, RunRefused) and not backtest.model and not is_endpoint(replay.provider):
        access = accesses(backtest.owner, [default])[default]
    if isinstance(access, RunRefused):
        raise _Halt(State.PAUSED, str(access))
    return access


def _check_budget(backtest: Backtest, reserved: Decimal | None, running: int) -> None:
    """Raises _Wait as long as calls that run may turn out to cost less than is set aside for them."""
    if reserved is None:
        made = backtest.calls.filter(is_unpriced=True).count()
        if not backtest.most_unpriced:
            raise NotReplayable("No price is known for this model, and unpriced calls were not allowed.")
        is_within, limit = made < backtest.most_unpriced, f"{backtest.most_unpriced} calls without a known price"
    else:
        is_within, limit = backtest.used_usd + reserved <= backtest.budget_usd, "The next call might exceed the budget"
    if is_within:
        return
    if running:
        raise _Wait("Waiting for running calls: the next one might exceed the budget.")
    raise _Halt(State.OVER_BUDGET, f"{limit}.")


def _prompt_use(backtest: Backtest, call: Generation) -> PromptUse | None:
    """The version that the replay counts for."""
    prompt_id, version = call.prompt_id, backtest.target_version or call.prompt_version
    if prompt_id is None or version is None:
        return None
    try:
        return prompt_use(user=backtest.owner, prompt_id=prompt_id, version=version)
    except RunRefused:
        return None
