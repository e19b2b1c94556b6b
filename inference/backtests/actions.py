from __future__ import annotations

from audit.actions import Action


class BacktestAction(Action):
    BACKTEST_START = "backtests:backtest:start", "started backtest {target}"
    BACKTEST_PAUSE = "backtests:backtest:pause", "paused backtest {target}"
    BACKTEST_CANCEL = "backtests:backtest:cancel", "cancelled backtest {target}"
    BACKTEST_SHARE = "backtests:backtest:share", "changed sharing of backtest {target}[ to {visibility}]"
    BACKTEST_DELETE = "backtests:backtest:delete", "deleted backtest {target}"
