"""Calls that fail, are slow or cost too much take a rollout back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from prompts import services
from prompts.drafts import Draft
from prompts.models import Rollout, RolloutState
from prompts.rollout_rules import Figures, Guards
from prompts.rollouts import figures_now, start_rollout
from prompts.tasks import check_rollouts
from telemetry.models import Generation, Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def rollout(alice: User) -> Rollout:
    first = services.create_prompt(owner=alice, name="a", type="text", draft=Draft("Sort it"), labels=["production"])
    second = services.save_version(prompt=first.prompt, draft=Draft("Sort it well"), author=alice)
    guards = Guards(10, 5.0, 2.0, Decimal("0.01"))
    return start_rollout(prompt=first.prompt, label="production", to=second, percent=50, guards=guards, actor=alice)


def calls(
    rollout: Rollout,
    count: int,
    *,
    version: int = 2,
    status: Status = Status.SUCCEEDED,
    seconds: float = 1.0,
    usd: str | None = "0.001",
    ago: timedelta = timedelta(),
) -> None:
    at = timezone.now() - ago
    Generation.objects.bulk_create(
        Generation(
            user=rollout.started_by,
            prompt_id=rollout.prompt_id,
            prompt_version=version,
            provider="openai",
            request_model="m",
            status=status,
            started_at=at,
            ended_at=None if status == Status.RUNNING else at + timedelta(seconds=seconds),
            cost_usd=Decimal(usd) if usd else None,
        )
        for _ in range(count)
    )


def state_after_check(rollout: Rollout) -> tuple[str, str]:
    check_rollouts(0)
    rollout.refresh_from_db()
    return rollout.state, rollout.end_reason


def test_it_counts_what_has_ended_of_this_version_since_the_rollout_began(rollout: Rollout) -> None:
    calls(rollout, 6)
    calls(rollout, 2, status=Status.FAILED, usd=None)
    calls(rollout, 1, status=Status.STOPPED, usd=None)
    calls(rollout, 5, status=Status.RUNNING, usd=None)
    calls(rollout, 5, version=1, status=Status.FAILED)
    calls(rollout, 5, ago=timedelta(days=1), status=Status.FAILED)
    found = figures_now(rollout)
    assert (found.calls, found.failed, found.usd_per_call) == (9, 2, Decimal("0.001"))
    assert found.seconds_p95 == pytest.approx(1.0)


def test_it_knows_nothing_of_a_version_without_calls(rollout: Rollout) -> None:
    assert figures_now(rollout) == Figures(0, 0, None, None)


@pytest.mark.parametrize(
    ("status", "seconds", "usd", "reason"),
    [
        (Status.FAILED, 1.0, None, "Error rate was 16.67%, limit 5%, on 12 calls."),
        (Status.SUCCEEDED, 9.0, "0.001", "p95 duration was 9 s, limit 2 s, on 12 calls."),
        (Status.SUCCEEDED, 1.0, "0.1", "Cost per call was $0.017500, limit $0.010000, on 12 calls."),
    ],
)
def test_faults_take_it_back(rollout: Rollout, status: Status, seconds: float, usd: str | None, reason: str) -> None:
    calls(rollout, 9)
    assert state_after_check(rollout) == (RolloutState.RUNNING, "")
    calls(rollout, 1)
    assert state_after_check(rollout) == (RolloutState.RUNNING, "")
    calls(rollout, 2, status=status, seconds=seconds, usd=usd)
    assert state_after_check(rollout) == (RolloutState.STOPPED, reason)


def test_faults_of_other_versions_do_not(rollout: Rollout) -> None:
    calls(rollout, 20)
    calls(rollout, 20, version=1, status=Status.FAILED)
    assert state_after_check(rollout) == (RolloutState.RUNNING, "")
