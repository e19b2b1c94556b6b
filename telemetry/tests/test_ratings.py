"""Thumbs and notes on calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.personal_data import erasure
from telemetry import personal
from telemetry.models import Generation, Score
from telemetry.prompt_use import PromptUse
from telemetry.services import figures_by_version

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Generation]


@pytest.fixture
def call(alice: User, start: Make, finish: Make) -> Generation:
    return finish(start(user=alice))


def rate(client: Client, call: Generation, **values: Any) -> int:
    return client.post(f"/telemetry/{call.pk}/rate/", values).status_code


def test_a_call_is_rated_once_by_each_user_and_can_be_rated_anew(
    alice: User, call: Generation, client_of: ClientOf
) -> None:
    client = client_of(alice)
    rate(client, call, value="1")
    rate(client, call, value="-1", note="Wrong team")
    score = Score.objects.get()
    assert (score.user, score.call_id, score.value, score.note) == (alice, call.pk, -1, "Wrong team")
    assert "Wrong team" in client.get(call.get_absolute_url()).content.decode()


def test_a_rating_is_taken_back(alice: User, call: Generation, client_of: ClientOf) -> None:
    rate(client_of(alice), call, value="1")
    rate(client_of(alice), call, value="")
    assert not Score.objects.exists()


@pytest.mark.parametrize("values", [{"value": "2"}, {"value": "x"}, {"value": "1", "note": "x" * 2001}])
def test_anything_else_is_refused(alice: User, call: Generation, client_of: ClientOf, values: dict[str, str]) -> None:
    assert rate(client_of(alice), call, **values) == 400
    assert not Score.objects.exists()


def test_who_may_not_see_a_call_may_not_rate_it(bob: User, call: Generation, client_of: ClientOf) -> None:
    assert rate(client_of(bob), call, value="1") == 404


def test_ratings_show_in_the_figures_of_their_version(
    alice: User, admin: User, start: Make, finish: Make, client_of: ClientOf
) -> None:
    prompt_id = uuid4()
    calls = [finish(start(user=alice, prompt=PromptUse(prompt_id, "triage", version))) for version in (1, 1, 2, 3)]
    for call in calls[:3]:
        rate(client_of(alice), call, value="1")
    rate(client_of(admin), calls[0], value="-1")
    found = figures_by_version(prompt_id, [1, 2, 3], since=timezone.now() - timedelta(days=1))
    assert {version: (one.uses, one.good, one.bad) for version, one in found.items()} == {
        1: (2, 2, 1),
        2: (1, 1, 0),
        3: (1, 0, 0),
    }


def test_ratings_are_exported_and_erased_with_their_user(
    alice: User, admin: User, call: Generation, client_of: ClientOf
) -> None:
    rate(client_of(alice), call, value="1", note="Good one")
    rate(client_of(admin), call, value="-1", note="They said …")
    assert [row["note"] for row in personal.export(alice) if row["kind"] == "rating"] == ["Good one"]
    erasure.erase_user(user=alice, actor=admin)
    assert [(score.user, score.note) for score in Score.objects.all()] == [(admin, "")]
