"""What the worker does for the encryption keys."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from tokens import rotation


@app.periodic(cron="* * * * *")
@app.task(lock="tokens.rotate_keys", queueing_lock="tokens.rotate_keys", retry=settings.JOB_RETRY)
def rotate_keys(timestamp: int = 0) -> None:
    rotation.run_if_due()


def rotate_soon() -> None:
    """Have the rotation that was started go on before the next minute. Where that fails, the minute brings it."""
    with suppress(AlreadyEnqueued, ConnectorException):
        rotate_keys.defer()
