from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

from accounts.sharing import EVERYONE, share
from audit.tests.scene import Acts, Scene
from inference.actions import InferenceAction
from inference.backtests import services
from inference.backtests.actions import BacktestAction
from inference.backtests.models import Backtest
from inference.runs.start import RunRequest, start_run


def a_backtest(scene: Scene) -> Backtest:
    use = RunRequest(provider="echo", model="echo", text="Hi", parent_id=None, client_id=uuid4())
    started = start_run(user=scene.alice, conversation_id=uuid4(), is_new=True, form=use)
    assert started is not None and started.order is not None
    plan = services.Plan(title="Replay", call_ids=[started.order.generation_id], sample=1, budget_usd=Decimal(1))
    return services.create_backtest(owner=scene.alice, plan=plan)


def steer_backtest(scene: Scene) -> None:
    backtest = a_backtest(scene)
    for step in (services.start_backtest, services.pause_backtest, services.cancel_backtest):
        step(backtest=backtest, actor=scene.alice)
    share(backtest, audience=EVERYONE, actor=scene.alice, action=BacktestAction.BACKTEST_SHARE)
    services.delete_backtest(backtest=backtest, actor=scene.alice)


ACTS: Acts = {
    "backtest started, paused, cancelled, shared and deleted": (
        steer_backtest,
        [
            InferenceAction.RUN_START,
            BacktestAction.BACKTEST_START,
            BacktestAction.BACKTEST_PAUSE,
            BacktestAction.BACKTEST_CANCEL,
            BacktestAction.BACKTEST_SHARE,
            BacktestAction.BACKTEST_DELETE,
        ],
    ),
}
