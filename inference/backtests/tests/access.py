"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from decimal import Decimal

from accounts.models import User
from inference.backtests.models import Backtest, BacktestCall
from inference.backtests.services import Plan, create_backtest
from telemetry.tests.access import a_call


def a_backtest(owner: User) -> Backtest:
    plan = Plan(title="private", call_ids=[a_call(owner).pk], sample=1, budget_usd=Decimal(1))
    return create_backtest(owner=owner, plan=plan)


def a_backtest_call(owner: User) -> BacktestCall:
    return a_backtest(owner).calls.get()


USERS = {"backtests/", "backtests/add/"}
OBJECTS = {
    "backtests/<uuid:pk>/": (a_backtest, "pk"),
    "backtests/<uuid:pk>/calls/<int:row_pk>/": (a_backtest_call, "backtest_id", "pk"),
}
