from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from prompts import figures as figures_hook
from prompts import services
from prompts.drafts import Draft
from prompts.label_rules import LabelRefused
from prompts.models import Prompt, PromptVersion, ProtectedLabel, Rollout, RolloutState
from prompts.rollout_rules import Figures, Guards
from prompts.rollouts import end_rollout, labels_served, start_rollout, take_back_if_due
from prompts.tasks import check_rollouts
from prompts.tests.conftest import Program
from prompts.tests.test_figures import Known

ClientOf = Callable[[User], Client]


@pytest.fixture
def rollout(triage: PromptVersion, alice: User) -> Rollout:
    """Half of those who ask for production are served version 2; it fails too often with 6 of 100 calls."""
    return started(triage, alice)


def started(version: PromptVersion, actor: User, label: str = "production") -> Rollout:
    guards = Guards(20, error_percent=5.0)
    return start_rollout(
        prompt=version.prompt, label=label, to=version, percent=50, guards=guards, actor=actor, reason="Try it"
    )


def refusal(version: PromptVersion, actor: User, label: str = "production") -> str:
    with pytest.raises(LabelRefused) as refused:
        started(version, actor, label)
    return refused.value.code


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Callable[[Figures], None]:
    """What calls with the version were like, as whoever knows of calls tells it."""

    def tell(told: Figures) -> None:
        def figures_by_version(prompt_id: UUID, versions: Collection[int], *, since: datetime) -> dict[int, Known]:
            return {
                2: Known(ended=told.calls, failed=told.failed, seconds_p95=told.seconds_p95, cost_usd=told.usd_per_call)
            }

        monkeypatch.setattr(figures_hook, "figures_by_version", figures_by_version)

    return tell


def test_the_api_serves_users_as_they_draw(program: Program, rollout: Rollout) -> None:
    def served(user: str) -> int:
        return int(program.read("support/triage", user=user).json()["version"])

    first = {user: served(user) for user in map(str, range(40))}
    assert set(first.values()) == {1, 2}
    assert {user: served(user) for user in first} == first


def test_the_chat_serves_its_user_the_same_each_time(rollout: Rollout, alice: User, bob: User, charlie: User) -> None:
    rollout.percent = 99
    rollout.save()
    served = [labels_served(rollout.prompt, user) for user in (alice, bob, charlie)]
    assert {"production": 2} in served
    assert served == [labels_served(rollout.prompt, user) for user in (alice, bob, charlie)]


def test_without_a_user_the_api_serves_either_by_chance(program: Program, rollout: Rollout) -> None:
    assert {program.read("support/triage").json()["version"] for _ in range(60)} == {1, 2}


@pytest.mark.parametrize("query", [{"version": 1}, {"label": "latest"}, {"at": "2999-01-01T00:00Z"}])
def test_only_the_label_as_of_now_is_rolled_out(program: Program, rollout: Rollout, query: dict[str, str]) -> None:
    assert len({program.read("support/triage", **query).json()["version"] for _ in range(20)}) == 1


def test_an_include_by_the_label_gets_what_the_label_names(program: Program, rollout: Rollout, alice: User) -> None:
    text = "@@@langfusePrompt:name=support/triage|label=production@@@"
    services.create_prompt(owner=alice, name="outer", type="text", draft=Draft(text), labels=["production"])
    assert {program.read("outer").json()["prompt"] for _ in range(20)} == {"Sort {{ticket}}"}


def test_it_is_refused_where_there_is_nothing_to_roll_out(triage: PromptVersion, alice: User, rollout: Rollout) -> None:
    assert refusal(triage, alice) == "rollout_running"
    assert refusal(triage, alice, label="staging") == "label_missing"
    services.move_label(prompt=triage.prompt, label="staging", to=triage, actor=alice)
    assert refusal(triage, alice, label="staging") == "label_there"


def test_a_version_whose_includes_no_longer_resolve_is_not_rolled_out(triage: PromptVersion, alice: User) -> None:
    tone = services.create_prompt(owner=alice, name="tone", type="text", draft=Draft("Kindly"), labels=["production"])
    text = "Sort {{ticket}} @@@langfusePrompt:name=tone|label=production@@@"
    third = services.save_version(prompt=triage.prompt, draft=Draft(text), author=alice)
    services.move_label(prompt=tone.prompt, label="production", to=None, actor=alice)
    assert refusal(third, alice) == "invalid_include"


def test_a_protected_label_is_rolled_out_by_whoever_may_move_it(triage: PromptVersion, alice: User) -> None:
    ProtectedLabel.objects.create(name="production")
    assert refusal(triage, alice) == "label_protected"


def test_a_version_that_is_rolled_out_is_not_deleted(triage: PromptVersion, alice: User, rollout: Rollout) -> None:
    with pytest.raises(LabelRefused, match="rolled out"):
        services.delete_version(version=triage, actor=alice)


def test_the_worker_takes_it_back_where_a_guard_objects(
    rollout: Rollout, figures: Callable[[Figures], None], program: Program
) -> None:
    figures(Figures(19, 19))
    check_rollouts(0)
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.RUNNING
    figures(Figures(100, 6))
    check_rollouts(0)
    rollout.refresh_from_db()
    assert (rollout.state, rollout.ended_by) == (RolloutState.STOPPED, None)
    assert rollout.end_reason == "Error rate was 6%, limit 5%, on 100 calls."
    assert {program.read("support/triage").json()["version"] for _ in range(20)} == {1}
    entry = AuditEvent.objects.get(action="prompts:rollout:end")
    assert (entry.actor, entry.target_id) == (None, str(rollout.prompt_id))


def test_it_ends_once(rollout: Rollout, alice: User, figures: Callable[[Figures], None]) -> None:
    figures(Figures(100, 100))
    assert end_rollout(rollout=rollout, actor=alice, state=RolloutState.ENDED)
    take_back_if_due()
    assert not end_rollout(rollout=rollout, actor=alice, state=RolloutState.ENDED)
    rollout.refresh_from_db()
    assert (rollout.state, rollout.ended_by) == (RolloutState.ENDED, alice)


@pytest.mark.parametrize(
    ("to", "state", "reason"),
    [(2, "promoted", ""), (3, "ended", "The label was moved to v3."), (None, "ended", "The label was removed.")],
)
def test_a_move_of_the_label_ends_it(
    rollout: Rollout, triage: PromptVersion, alice: User, to: int | None, state: str, reason: str
) -> None:
    services.save_version(prompt=triage.prompt, draft=Draft("Third"), author=alice)
    version = triage.prompt.versions.filter(number=to).first() if to else None
    services.move_label(prompt=triage.prompt, label="production", to=version, actor=alice)
    rollout.refresh_from_db()
    assert (rollout.state, rollout.end_reason) == (state, reason)


def pages_of(prompt: Prompt) -> dict[str, str]:
    return {
        "add": reverse("prompts:rollout-add", args=[prompt.pk]),
        "page": reverse("prompts:prompt-detail", args=[prompt.pk]),
        "history": reverse("prompts:label-history", args=[prompt.pk]),
    }


def test_an_editor_starts_sees_and_ends_it(
    client_of: ClientOf, alice: User, triage: PromptVersion, figures: Callable[[Figures], None]
) -> None:
    client, pages = client_of(alice), pages_of(triage.prompt)
    compare = reverse("prompts:version-compare", args=[triage.prompt_id]) + "?label=production&new=2"
    assert pages["add"] in client.get(compare).content.decode()
    form = client.get(pages["add"], {"label": "production", "version": "2"}).context["form"]
    sent = {name: form[name].value() for name in form.fields}
    sent |= {"percent": "25", "reason": "Shorter answers", "seconds_p95": "", "usd_per_call": "0.02"}
    assert client.post(pages["add"], sent).status_code == 302
    figures(Figures(200, 4, 1.5, None))
    shown = client.get(pages["page"]).content.decode()
    assert [
        said
        for said in ('aria-label="75% v1, 25% v2"', "2% <span", '200 <span class="unit">calls')
        if said not in shown
    ] == []
    assert "Move to v2" in (move := client.get(compare).content.decode()) and pages["add"] not in move
    rollout = Rollout.objects.get()
    assert rollout.guards == Guards(50, 5.0, None, rollout.max_usd_per_call)
    assert client.post(reverse("prompts:rollout-end", args=[triage.prompt_id, rollout.pk])).status_code == 302
    history = client.get(pages["history"]).content.decode()
    assert "Shorter answers" in history and "Ended" in history and 'aria-label="75%' not in history


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"percent": "100"}, "less than or equal to 99"),
        ({"percent": "0"}, "greater than or equal to 1"),
        ({"min_calls": ""}, "required"),
        ({"error_percent": "101"}, "less than or equal to 100"),
        ({"label": "staging"}, "There is no label “staging”"),
        ({"version": "1"}, "is at v1 already"),
        ({"version": "9"}, "v9 has been deleted."),
    ],
)
def test_bad_input_is_told_and_starts_nothing(
    client_of: ClientOf, alice: User, triage: PromptVersion, changes: dict[str, str], said: str
) -> None:
    sent = {"label": "production", "version": "2", "percent": "10", "min_calls": "50", "error_percent": "5"}
    response = client_of(alice).post(pages_of(triage.prompt)["add"], sent | changes)
    assert response.status_code == 422 and said in response.content.decode()
    assert not Rollout.objects.exists()


def test_readers_neither_start_nor_end_it(client_of: ClientOf, bob: User, rollout: Rollout) -> None:
    client, pages = client_of(bob), pages_of(rollout.prompt)
    assert client.get(pages["page"]).status_code == 200
    assert pages["add"] not in client.get(pages["page"]).content.decode()
    assert client.get(pages["add"]).status_code == 404
    assert client.post(reverse("prompts:rollout-end", args=[rollout.prompt_id, rollout.pk])).status_code == 404
