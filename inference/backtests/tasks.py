"""What the worker does for backtests."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from inference.backtests import running
from inference.backtests.models import Backtest


@app.task(retry=settings.JOB_RETRY)
async def run_backtest(backtest_id: str) -> None:
    await running.run(UUID(backtest_id))


@app.periodic(cron="* * * * *")
@app.task(lock="backtests.resume", queueing_lock="backtests.resume", retry=settings.JOB_RETRY)
def resume_backtests(timestamp: int) -> None:
    """Those whose jobs were lost, whatever has become of them."""
    for backtest_id in Backtest.objects.unfinished().values_list("pk", flat=True):
        ask_worker(backtest_id)


def ask_worker(backtest_id: UUID) -> None:
    """To do what is to be done for it. One job runs and one waits at most, so that none begins what another does."""
    name = f"backtests.{backtest_id}"
    try:
        with transaction.atomic():
            run_backtest.configure(lock=name, queueing_lock=name).defer(backtest_id=str(backtest_id))
    except AlreadyEnqueued:
        return
