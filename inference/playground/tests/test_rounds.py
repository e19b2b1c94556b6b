"""Running panels: all at once, each by itself, once."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import AuditEvent
from inference.actions import InferenceAction
from inference.playground.models import Panel, PanelAnswer, Playground
from inference.playground.rounds import Round, start_round
from inference.playground.services import create_playground
from prompts.drafts import Draft
from prompts.services import create_prompt
from telemetry.models import Generation, GenerationContent

pytestmark = pytest.mark.django_db


def run(user: User, playground: Playground, round_id: UUID | None = None) -> Round:
    panels = list(playground.panels.values_list("pk", flat=True))
    return start_round(user=user, playground_id=playground.pk, panel_ids=panels, round_id=round_id or uuid4())


def test_it_starts_every_panel_as_often_as_it_says(alice: User, playground: Playground) -> None:
    Panel.objects.filter(position=2).update(repetitions=3)
    begun = run(alice, playground)

    assert [(answer.panel.position, answer.number) for answer, _ in begun.started] == [(1, 1), (2, 1), (2, 2), (2, 3)]
    assert begun.refused == {}
    entries = AuditEvent.objects.filter(action=InferenceAction.RUN_START)
    assert entries.count() == Generation.objects.filter(user=alice).count() == 4
    sent = GenerationContent.objects.get(generation=begun.started[0][1].generation_id).sent()
    assert [(one.role, one.text) for one in sent] == [("system", "Reply in German."), ("user", "Explain tides.")]


def test_a_round_that_is_sent_twice_is_started_once(alice: User, playground: Playground) -> None:
    round_id = uuid4()
    first, second = run(alice, playground, round_id), run(alice, playground, round_id)

    assert (len(first.started), len(second.started)) == (2, 0)
    assert Generation.objects.count() == 2


def test_what_one_panel_lacks_keeps_none_of_the_others(alice: User, playground: Playground) -> None:
    lacking = playground.panels.all()[1]
    Panel.objects.filter(pk=lacking.pk).update(provider="openai", model="gpt-4o")
    begun = run(alice, playground)

    assert [answer.panel.position for answer, _ in begun.started] == [1]
    assert list(begun.refused) == [lacking.pk] and "no key for this provider" in begun.refused[lacking.pk]


def test_too_many_answers_at_once_are_refused_as_a_whole(
    alice: User, playground: Playground, settings: Settings
) -> None:
    settings.LIMIT_OPEN_RUNS = 3
    Panel.objects.filter(position=2).update(repetitions=3)
    begun = run(alice, playground)

    assert begun.started == () and begun.limit == "open"
    assert set(begun.refused.values()) == {"4 answers at once are too many: 3 are allowed."}
    assert not Generation.objects.exists()


def test_a_limit_counts_what_goes_on(alice: User, playground: Playground, settings: Settings) -> None:
    settings.LIMIT_OPEN_RUNS = 3
    run(alice, playground)
    begun = run(alice, playground)

    assert "still coming" in next(iter(begun.refused.values()))
    assert Generation.objects.count() == 2


@pytest.mark.parametrize("is_edited", [False, True])
def test_calls_count_for_a_version_as_long_as_its_messages_are_asked(alice: User, is_edited: bool) -> None:
    version = create_prompt(owner=alice, name="triage", type="text", draft=Draft("Sort"))
    draft = Draft("Sort", provider="echo", model="echo")
    playground = create_playground(owner=alice, title="x", draft=draft, version=version, values={})
    if is_edited:
        panel = playground.panels.get()
        panel.body = [{"type": "chatmessage", "role": "user", "content": "Sort it"}]
        panel.save()
    run(alice, playground)

    call = Generation.objects.get()
    assert (call.prompt_name, call.prompt_version) == (("", None) if is_edited else ("triage", 1))


def test_only_its_owner_runs_it(bob: User, playground: Playground) -> None:
    Playground.objects.update(visibility="everyone")
    with pytest.raises(Playground.DoesNotExist):
        run(bob, playground)


def test_it_takes_as_many_statements_for_many_panels_as_for_one(
    alice: User, playground: Playground, django_assert_max_num_queries: Callable[..., object]
) -> None:
    Panel.objects.update(repetitions=5)
    run(alice, playground)
    with django_assert_max_num_queries(24):  # type: ignore[attr-defined]
        assert len(run(alice, playground).started) == 10


def test_the_calls_stay_when_the_playground_goes(
    alice: User, playground: Playground, client_of: Callable[[User], Client]
) -> None:
    run(alice, playground)
    client_of(alice).post(f"/playground/{playground.pk}/delete/")

    assert not Playground.objects.exists() and not PanelAnswer.objects.exists()
    assert Generation.objects.count() == 2


def test_an_answer_is_rated_where_it_stands(
    alice: User, playground: Playground, client_of: Callable[[User], Client]
) -> None:
    """Within the form of its panel, where no other form may be."""
    [(answer, order), *_] = run(alice, playground).started
    Generation.objects.filter(pk=order.generation_id).update(status="succeeded", ended_at=timezone.now())
    client, url = client_of(alice), f"/telemetry/{order.generation_id}/rate/?within=form"
    assert url in client.get(playground.get_absolute_url()).content.decode()
    thumbs = client.post(url, {"value": "-1", "note": "Too long"}, headers={"HX-Request": "true"}).content.decode()
    assert "<form" not in thumbs and 'aria-pressed="true"' in thumbs
    page = client.get(playground.get_absolute_url()).content.decode()
    assert "Too long" in page and f'id="answer-{answer.pk}"' in page
