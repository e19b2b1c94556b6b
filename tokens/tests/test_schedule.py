from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from accounts.models import User
from tokens import key_status, rotation, services, tasks
from tokens.models import EncryptionKey, KeyState, ProviderToken, Rotation, RotationStep, Trigger

pytestmark = pytest.mark.django_db(transaction=True)


def age(days: float) -> None:
    since = timezone.now() - timedelta(days=days)
    EncryptionKey.objects.filter(state=KeyState.PRIMARY).update(primary_since=since)


@pytest.mark.parametrize(("days", "key_age", "rotates"), [(90, 91, True), (90, 89, False), (0, 999, False)])
def test_it_rotates_a_key_older_than_the_setting(
    days: int, key_age: int, rotates: bool, token: ProviderToken, settings: Settings
) -> None:
    settings.KEY_ROTATION_DAYS = days
    age(key_age)
    assert (rotation.run_if_due() is not None) == rotates
    assert Rotation.objects.filter(trigger=Trigger.SCHEDULE).exists() == rotates


def test_it_rotates_only_once(token: ProviderToken, settings: Settings) -> None:
    settings.KEY_ROTATION_DAYS = 90
    age(91)
    rotation.run_if_due()
    assert rotation.run_if_due() is None


def test_it_goes_on_with_an_interrupted_rotation(token: ProviderToken) -> None:
    begun = rotation.start(trigger=Trigger.PAGE, actor=None)
    finished = rotation.run_if_due()
    assert finished is not None and finished.pk == begun.pk


def test_the_worker_goes_on_with_what_was_started_on_the_page(
    token: ProviderToken, alice: User, run_jobs: Callable[[], None]
) -> None:
    begun = rotation.start(trigger=Trigger.PAGE, actor=alice)
    tasks.rotate_soon()
    run_jobs()
    begun.refresh_from_db()
    assert begun.step == RotationStep.FINISHED
    assert services.open_token(token_id=token.pk, actor=alice)


def test_it_does_not_mind_that_the_schedule_has_it_waiting_already(token: ProviderToken) -> None:
    for _ in range(2):
        tasks.rotate_soon()
    assert ProcrastinateJob.objects.filter(task_name=tasks.rotate_keys.name).count() == 1


def test_it_leaves_an_interrupted_rotation_for_later_where_the_master_key_is_gone(
    token: ProviderToken, settings: Settings, run_jobs: Callable[[], None]
) -> None:
    begun = rotation.start(trigger=Trigger.PAGE, actor=None)
    settings.MASTER_KEYS = ""
    tasks.rotate_soon()
    run_jobs()
    begun.refresh_from_db()
    assert begun.finished_at is None


@pytest.mark.parametrize(("days", "warned"), [(364, False), (366, True)])
def test_it_warns_of_an_old_key(days: int, warned: bool, token: ProviderToken) -> None:
    age(days)
    assert any(f"{days} days old" in warning for warning in key_status.warnings()) == warned


def test_it_tells_the_last_use_of_a_key(token: ProviderToken, alice: User) -> None:
    assert key_status.data_keys()[0].last_used_at is None
    services.open_token(token_id=token.pk, actor=alice)
    assert key_status.data_keys()[0].last_used_at is not None
