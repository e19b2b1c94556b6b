"""Which version of a prompt a run is recorded with, and whose prompts may be named."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts.models import User
from accounts.sharing import Audience, Visibility
from inference.runs.prompt_lookup import prompt_of_question, prompt_use
from inference.runs.start import RunRefused, RunRequest, start_run
from prompts import services
from prompts.drafts import Draft
from prompts.models import PromptVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(alice: User) -> PromptVersion:
    """The second one; production is at the first."""
    first = services.create_prompt(
        owner=alice, name="support/triage", type="text", draft=Draft("Sort it"), labels=["production"]
    )
    return services.save_version(prompt=first.prompt, draft=Draft("Sort it well"), author=alice)


def test_it_knows_what_each_label_serves(alice: User, version: PromptVersion) -> None:
    use = prompt_use(user=alice, prompt_id=version.prompt_id, version=2)
    assert (use.name, use.version, use.labels) == ("support/triage", 2, {"production": 1})


def test_it_takes_a_prompt_that_is_shared(alice: User, charlie: User, version: PromptVersion) -> None:
    everyone = Audience(Visibility.EVERYONE)
    services.share_prompt(prompt=version.prompt, audience=everyone, readers_may_edit=False, actor=alice)
    assert prompt_use(user=charlie, prompt_id=version.prompt_id, version=1).version == 1


def test_it_refuses_what_is_not_visible_like_what_is_missing(
    alice: User, charlie: User, version: PromptVersion
) -> None:
    refusals = []
    for user, prompt_id, number in (
        (charlie, version.prompt_id, 2),
        (alice, uuid4(), 2),
        (alice, version.prompt_id, 3),
    ):
        with pytest.raises(RunRefused) as refused:
            prompt_use(user=user, prompt_id=prompt_id, version=number)
        refusals.append((refused.value.field, refused.value.message))
    assert len(set(refusals)) == 1
    assert refusals[0][0] == "prompt"


def asked_with(user: User, version: PromptVersion) -> int:
    """The id of a question that was answered once."""
    use = prompt_use(user=user, prompt_id=version.prompt_id, version=version.number)
    form = RunRequest("echo", "echo", "Hi", None, uuid4(), prompt=use)
    started = start_run(user=user, conversation_id=uuid4(), is_new=True, form=form)
    assert started is not None and started.question_id is not None
    return started.question_id


def test_another_answer_belongs_to_the_prompt_of_its_question(alice: User, version: PromptVersion) -> None:
    question = asked_with(alice, version)
    services.move_label(prompt=version.prompt, label="production", to=version, actor=alice)
    use = prompt_of_question(user=alice, question_id=question)
    assert use is not None
    assert (use.version, use.labels) == (2, {"production": 2})


def test_another_answer_names_no_prompt_that_is_gone(alice: User, charlie: User, version: PromptVersion) -> None:
    question = asked_with(alice, version)
    assert prompt_of_question(user=charlie, question_id=question) is None
    services.delete_version(version=version, actor=alice)
    assert prompt_of_question(user=alice, question_id=question) is None
