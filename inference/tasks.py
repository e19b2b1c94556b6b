"""What the worker does for files and deleted conversations."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from procrastinate.contrib.django import app

from inference.attachments import services
from inference.conversations.services import empty_trash as delete_for_good


@app.periodic(cron="41 3 * * *")
@app.task(lock="inference.delete_files", queueing_lock="inference.delete_files", retry=settings.JOB_RETRY)
def delete_files(timestamp: int) -> None:
    services.delete_unneeded()


@app.periodic(cron="17 * * * *")
@app.task(lock="inference.empty_trash", queueing_lock="inference.empty_trash", retry=settings.JOB_RETRY)
def empty_trash(timestamp: int) -> None:
    delete_for_good(now=datetime.fromtimestamp(timestamp, UTC))
