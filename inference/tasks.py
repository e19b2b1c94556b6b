"""What the worker does for files."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from inference.attachments import services


@app.periodic(cron="41 3 * * *")
@app.task(lock="inference.delete_files", queueing_lock="inference.delete_files", retry=settings.JOB_RETRY)
def delete_files(timestamp: int) -> None:
    services.delete_unneeded()
