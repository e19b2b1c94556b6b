"""What the worker does for webhooks."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from procrastinate.contrib.django import app

from webhooks import delivering


@app.task(retry=settings.JOB_RETRY)
def deliver(delivery_id: str) -> None:
    delivering.attempt(UUID(delivery_id), _deliver_later)


def _deliver_later(delivery_id: UUID, seconds: int) -> None:
    deliver.configure(schedule_in={"seconds": seconds}).defer(delivery_id=str(delivery_id))


@app.periodic(cron="41 * * * *")
@app.task(lock="webhooks.delete_old", queueing_lock="webhooks.delete_old", retry=settings.JOB_RETRY)
def delete_old_deliveries(timestamp: int) -> None:
    delivering.delete_old()
