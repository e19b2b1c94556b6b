from __future__ import annotations

from typing import ClassVar

from django.db import models
from procrastinate.contrib.django.models import ProcrastinateJob


class JobError(models.Model):
    """Why a job failed the last time. The queue itself keeps only that it did."""

    LONGEST: ClassVar[int] = 500

    # The queue deletes its jobs without asking Django; ``job_queue.delete_orphaned_errors`` follows it.
    job = models.OneToOneField(
        ProcrastinateJob, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="error"
    )
    at = models.DateTimeField()
    text = models.CharField(max_length=LONGEST)

    def __str__(self) -> str:
        return self.text
