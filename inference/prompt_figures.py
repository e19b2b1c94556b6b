"""What calls with a version of a prompt were like: prompts and calls are in apps that do not know each other."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from prompts.rollout_rules import Figures
from telemetry.models import Generation, Status


def figures_of(prompt_id: UUID, version: int, since: datetime) -> Figures:
    """Of the calls since then that have ended."""
    calls = Generation.objects.filter(prompt_id=prompt_id, prompt_version=version, started_at__gte=since)
    found = calls.exclude(status=Status.RUNNING).summary()
    return Figures(
        calls=found.total,
        failed=found.counts[Status.FAILED],
        seconds_p95=found.seconds_p95,
        usd_per_call=found.cost_usd / found.priced if found.priced else None,
    )
