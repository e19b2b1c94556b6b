"""What the worker does for people's data."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from accounts.sessions import services as session_services


@app.periodic(cron="23 * * * *")
@app.task(lock="accounts.delete_old_sessions", queueing_lock="accounts.delete_old_sessions", retry=settings.JOB_RETRY)
def delete_old_sessions(timestamp: int) -> None:
    session_services.delete_old()
