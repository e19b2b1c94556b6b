from __future__ import annotations

from audit.actions import Action


class BacktestAction(Action):
    BACKTEST_START = "backtests:backtest:start"
    BACKTEST_PAUSE = "backtests:backtest:pause"
    BACKTEST_CANCEL = "backtests:backtest:cancel"
    BACKTEST_SHARE = "backtests:backtest:share"
    BACKTEST_DELETE = "backtests:backtest:delete"
