"""The system page: what an administrator looks at first when something is odd.

Whoever sees it has logged in, so PostgreSQL and Redis have answered; when they do not, `manage.py doctor` makes the
same checks in a terminal.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest, administrators_only
from aistrale import health_checks, job_queue, recent_errors
from aistrale.effective import effective_settings
from aistrale.process import runs
from aistrale.settings import env
from audit.models import AuditEvent, AuditVerification
from audit.rows import newest_checkpoints
from telemetry.models import Generation
from tokens import key_status
from tokens.envelope import EnvelopeError


@dataclass(frozen=True, slots=True)
class KeyAge:
    name: str
    kind: str
    since: datetime | None
    is_too_old: bool


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the file system that the data directory is on."""

    total: int
    used: int
    free: int


@administrators_only
@require_safe
def system(request: UserRequest) -> HttpResponse:
    checkpoints, _ = newest_checkpoints(1)
    context = {
        "findings": health_checks.run(),
        "keys": _keys(),
        "max_age_days": settings.KEY_MAX_AGE_DAYS,
        "newest_entry": AuditEvent.objects.values_list("sequence", flat=True).first(),
        "checkpoint": checkpoints[0] if checkpoints else None,
        "verification": AuditVerification.objects.first(),
        "running": Generation.objects.running().count(),
        "jobs": job_queue.counts(),
        "failed_jobs": job_queue.failed()[: job_queue.LISTED],
        "heartbeat": job_queue.last_heartbeat(),
        "workers": job_queue.living_workers(),
        "no_worker": job_queue.NO_WORKER,
        "is_draining": runs.is_draining,
        "disk": Disk(*shutil.disk_usage(settings.DATA_DIR)),
        "data_dir": settings.DATA_DIR,
        "errors": recent_errors.recent(),
        "settings": effective_settings(env),
    }
    return render(request, "system.html", context)


@administrators_only
@require_POST
def run_job_again(request: UserRequest, job_id: int) -> HttpResponse:
    with transaction.atomic():
        job = get_object_or_404(job_queue.failed().select_for_update(of=["self"]), pk=job_id)
        job_queue.run_again(job=job, actor=request.user)
    messages.success(request, f"Job {job.pk} queued to run again")
    return redirect("system")


def _keys() -> list[KeyAge]:
    """Those in use; the keys page has all of them."""
    try:
        data = [key for key in key_status.data_keys() if key.state == "primary"]
        masters = key_status.master_keys()
    except EnvelopeError:
        return []
    limit = timedelta(days=settings.KEY_MAX_AGE_DAYS)
    return [
        *(KeyAge(key.id, "Primary data key", key.primary_since, _is_older(key.primary_since, limit)) for key in data),
        *(KeyAge(key.id, f"{key.state.capitalize()} master key", key.in_use_since, False) for key in masters),
    ]


def _is_older(since: datetime | None, limit: timedelta) -> bool:
    return bool(since and limit and timezone.now() - since > limit)
