"""Rotations that nobody waits for: those that are due, and those started on the keys page."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread

import structlog
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from tokens import rotation
from tokens.envelope import EnvelopeError
from tokens.locks import RotationBusy
from tokens.models import EncryptionKey, KeyState, Rotation, Trigger

logger = structlog.get_logger(__name__)


def rotate_if_due() -> Rotation | None:
    """Finish an interrupted rotation, or rotate where the primary key is older than ``KEY_ROTATION_DAYS``.

    To be called every minute or so by any number of processes. None where there was nothing to do or another process
    does it. Raises EnvelopeError and database errors.
    """
    if rotation.unfinished() is None and not _is_due():
        return None
    try:
        return rotation.run(trigger=Trigger.SCHEDULE, actor=None)
    except RotationBusy:
        return None


def rotate_in_background() -> Thread:
    """Finish the rotation that ``rotation.start`` began. Should this process end first, ``rotate_if_due`` goes on."""
    thread = Thread(target=_rotate, name="rotation", daemon=True)
    thread.start()
    return thread


def _rotate() -> None:
    try:
        rotate_if_due()
    except (EnvelopeError, Error) as error:
        logger.error("rotation_interrupted", error=str(error))
    finally:
        connection.close()


def _is_due() -> bool:
    if not settings.KEY_ROTATION_DAYS:
        return False
    oldest = timezone.now() - timedelta(days=settings.KEY_ROTATION_DAYS)
    return EncryptionKey.objects.filter(state=KeyState.PRIMARY, primary_since__lte=oldest).exists()
