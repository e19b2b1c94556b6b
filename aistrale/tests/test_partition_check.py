"""Doctor and the system page say so where calls have no partition to lie in."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from aistrale.findings import Finding
from aistrale.health_checks import run
from telemetry import partitions
from telemetry.models import Generation


def finding() -> Finding:
    return next(one for one in run() if one.name == "Partitions")


def test_it_says_how_far_partitions_reach(db: None) -> None:
    assert not finding().warning
    assert finding().detail == f"ready to the end of {partitions.CALLS.months()[-1]:%B %Y}"


def test_it_warns_of_a_missing_partition(db: None) -> None:
    last = partitions.CALLS.months()[-1]
    partitions.drop(partitions.CALLS, last)
    assert finding().warning
    assert f"Missing partitions: {partitions.CALLS.name(last)}." in finding().detail


def test_it_warns_of_calls_that_no_partition_takes(alice: User) -> None:
    long_ago = timezone.now() - timedelta(days=400)
    Generation.objects.create(user=alice, provider="x", request_model="y", started_at=long_ago)
    assert finding().warning
    assert "Calls in the default partition: 1." in finding().detail
