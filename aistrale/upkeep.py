"""What the server does for the system once a minute, beside serving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

import audit.upkeep
import tokens.upkeep
from inference.runs.database import in_thread

EVERY_SECONDS = 60.0
CHORES: tuple[Callable[[], object], ...] = (audit.upkeep.tend, tokens.upkeep.rotate_if_due)

log = structlog.get_logger(__name__)


async def keep_up() -> None:
    """Do each chore in turn, for ever. One that fails is logged and keeps nobody else from theirs."""
    while True:
        for chore in CHORES:
            try:
                await in_thread(chore)()
            except Exception:
                log.exception("upkeep_failed", chore=f"{chore.__module__}.{chore.__name__}")
        await asyncio.sleep(EVERY_SECONDS)
