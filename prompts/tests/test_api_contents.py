"""What is kept in memory between reads, and that nobody reads by it what the database would not give."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.profile import api_keys
from prompts import services
from prompts.api.contents import Contents
from prompts.drafts import Draft
from prompts.models import Prompt, PromptVersion

if TYPE_CHECKING:
    from prompts.tests.conftest import Program

NAME = "support/triage"
pytestmark = pytest.mark.usefixtures("triage")


def test_a_second_read_of_a_version_takes_one_query(
    program: Program, settings: Settings, django_assert_num_queries: Any
) -> None:
    settings.API_KEY_RECHECK_SECONDS = 60
    first = program.read(NAME).json()
    with django_assert_num_queries(1):
        assert program.read(NAME).json() == first


def test_a_label_that_moves_and_a_prompt_that_is_withdrawn_count_at_once(
    program_of: Any, triage: PromptVersion, alice: User, bob: User, settings: Settings
) -> None:
    settings.API_KEY_RECHECK_SECONDS = 60
    program = program_of(bob)
    assert program.read(NAME).json()["version"] == 1
    services.move_label(prompt=triage.prompt, label="production", to=triage, actor=alice)
    assert program.read(NAME).json()["version"] == 2
    Prompt.objects.filter(pk=triage.prompt_id).make_private()
    assert program.read(NAME).status_code == 404


def test_a_key_is_asked_for_again_after_its_time(program: Program, alice: User, settings: Settings) -> None:
    settings.API_KEY_RECHECK_SECONDS = 0.2
    assert program.read(NAME).status_code == 200
    api_keys.revoke(key=alice.api_keys.get(), actor=alice)
    time.sleep(0.3)
    assert program.read(NAME).status_code == 401


def test_another_secret_of_a_key_that_was_valid_is_refused(program: Program, settings: Settings) -> None:
    settings.API_KEY_RECHECK_SECONDS = 60
    assert program.read(NAME).status_code == 200
    assert type(program)(f"{program.secret[:-4]}AAAA").read(NAME).status_code == 401


def test_it_keeps_no_more_than_it_may(alice: User, django_assert_num_queries: Any) -> None:
    texts = ["a" * 400, "b" * 400, "c" * 400]
    made = [services.create_prompt(owner=alice, name=text[0], type="text", draft=Draft(text)).pk for text in texts]
    kept = Contents(1000)
    assert [found.body for pk in made if (found := kept.of(pk))] == texts
    with django_assert_num_queries(0):
        kept.of(made[2])
    with django_assert_num_queries(1):
        kept.of(made[0])


def test_a_version_that_is_longer_than_all_that_is_kept_is_served(alice: User) -> None:
    made = services.create_prompt(owner=alice, name="long", type="text", draft=Draft("a" * 400))
    found = Contents(100).of(made.pk)
    assert found and found.body == "a" * 400
