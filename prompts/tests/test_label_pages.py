from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from prompts import services
from prompts.drafts import Draft
from prompts.models import LabelMove, PromptVersion

ClientOf = Callable[[User], Client]


def url(name: str, version: PromptVersion, query: str = "") -> str:
    return reverse(f"prompts:{name}", args=[version.prompt_id]) + query


def text(response: Any) -> str:
    return str(response.content.decode())


def move(client: Client, page: PromptVersion, /, **fields: object) -> Any:
    sent = {"label": "production", "version": 2, "seen_at": 1, "reason": "Checked", **fields}
    return client.post(url("label-move", page), sent)


def production(version: PromptVersion) -> int | None:
    label = version.prompt.labels.filter(name="production").select_related("version").first()
    return label.version.number if label else None


@pytest.mark.parametrize(
    ("query", "pair"),
    [
        ("", (1, 2)),
        ("?label=production", (1, 2)),
        ("?old=2&new=1", (2, 1)),
        ("?new=1", (1, 1)),
        ("?label=no-such", (1, 2)),
        ("?label=Not+This", (1, 2)),
    ],
)
def test_it_compares_two_versions(
    query: str, pair: tuple[int, int], client_of: ClientOf, bob: User, triage: PromptVersion
) -> None:
    context = client_of(bob).get(url("version-compare", triage, query)).context
    assert (context["old"].number, context["new"].number) == pair


def test_it_marks_what_differs_by_sign_and_word(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    page = text(client_of(bob).get(url("version-compare", triage)))
    assert '<span class="sr-only"> added: </span></span><code>Be brief</code>' in page
    assert '<span class="added">+1</span>' in page and "No changes" in page


def test_it_shows_both_states_one_below_the_other(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    page = text(client_of(bob).get(url("version-compare", triage, "?view=unified&unchanged=on")))
    assert 'data-view="unified"' in page and 'data-side="again"' not in page and 'data-side="none"' not in page


def test_readers_compare_and_move_nothing(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    assert url("label-move", triage) not in text(client_of(bob).get(url("version-compare", triage)))


def test_a_label_moves_after_its_diff_was_seen(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    form = client.get(url("version-compare", triage, "?label=production&new=2")).context["form"]
    assert form.initial == {"label": "production", "version": 2, "seen_at": 1}
    assert move(client, triage, **form.initial).status_code == 302
    newest = LabelMove.objects.first()
    assert newest and (newest.actor, newest.reason, newest.from_version, production(triage)) == (alice, "Checked", 1, 2)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": ""}, "This field is required"),
        ({"label": "latest", "seen_at": 0}, "It cannot be moved"),
        ({"label": "Not This"}, "Use up to 50 small letters"),
        ({"label": ""}, "This field is required"),
        ({"seen_at": 2}, "was moved in the meantime"),
        ({"seen_at": ""}, "was moved in the meantime"),
    ],
)
def test_it_says_why_a_label_does_not_move(
    fields: dict[str, object], told: str, client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    page = move(client_of(alice), triage, **fields)
    assert page.status_code == 422 and told in text(page)
    assert production(triage) == 1


def test_no_label_moves_to_a_version_that_is_gone(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    page = move(client_of(alice), triage, version=9)
    assert page.status_code == 422 and "v9 has been deleted." in text(page)
    assert production(triage) == 1


def test_a_new_label_is_set_wherever_it_is_not_yet(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    assert client.get(url("version-compare", triage)).context["form"].initial["seen_at"] == services.ANYWHERE
    assert move(client, triage, label="holiday", seen_at=0).status_code == 302
    assert triage.prompt.labels.get(name="holiday").version == triage


def test_a_label_is_removed_with_a_reason(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    assert "Remove production?" in text(client.get(url("label-move", triage, "?label=production")))
    assert move(client, triage, version="", reason="").status_code == 422
    assert move(client, triage, version="").status_code == 302 and production(triage) is None


def test_it_is_rolled_back_in_one_step(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    move(client, triage)
    back = url("label-move", triage, "?label=production&version=1")
    assert back.replace("&", "&amp;") in text(client.get(url("label-history", triage)))
    form = client.get(back).context["form"]
    assert move(client, triage, **form.initial).status_code == 302
    assert production(triage) == 1


def test_it_offers_no_way_back_to_where_a_label_is_or_to_what_is_gone(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    third = services.save_version(prompt=triage.prompt, draft=triage.draft, author=alice)
    for version in (triage, third):
        services.move_label(prompt=triage.prompt, label="production", to=version, actor=alice)
    services.delete_version(version=triage, actor=alice)
    rows = client_of(alice).get(url("label-history", triage)).context["rows"]
    assert [(move.to_version, back) for move, back in rows] == [(3, None), (2, 1), (1, None)]


def test_it_lists_who_moved_what_when_and_why(
    client_of: ClientOf, alice: User, bob: User, triage: PromptVersion
) -> None:
    move(client_of(alice), triage, reason="Checked on 50 calls")
    page = text(client_of(bob).get(url("label-history", triage)))
    assert "Checked on 50 calls" in page and "Alice" in page and 'moved from <span class="v">v1</span>' in page
    assert "Roll back" not in page


def test_it_lists_the_moves_of_one_label(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    move(client, triage, label="holiday", seen_at=0)
    rows = client.get(url("label-history", triage, "?label=holiday")).context["page"].rows
    assert [row.label for row in rows] == ["holiday"]


def test_it_says_what_a_label_served_at_a_moment(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    move(client, triage)
    now = timezone.now()
    for moment, answers in ((now + timedelta(minutes=2), [("production", 2)]), (now - timedelta(days=1), [])):
        at = timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")
        page = client.get(url("label-history", triage, f"?label=production&at={at}"))
        assert [(answer["label"], answer["number"]) for answer in page.context["answers"]] == answers
    assert "No label “production” was set then" in text(page)


def test_it_draws_a_lane_for_each_label(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    for label in ("holiday", "production"):
        services.move_label(prompt=triage.prompt, label=label, to=triage, actor=alice)
    page = client.get(url("label-history", triage))
    assert [lane.summary for lane in page.context["chart"].lanes] == ["production: v1, v2", "holiday: v2"]
    assert 'aria-label="production: v1, v2. holiday: v2. All moves are listed below."' in text(page)
    narrowed = client.get(url("label-history", triage, "?label=holiday"))
    assert [lane.label for lane in narrowed.context["chart"].lanes] == ["holiday"]


def test_the_lanes_show_what_a_label_served_at_a_moment(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    at = timezone.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
    services.move_label(prompt=triage.prompt, label="production", to=triage, actor=alice)
    chart = client_of(alice).get(url("label-history", triage, f"?at={at}")).context["chart"]
    assert [(each.version, each.kind) for each in chart.lanes[0].segments] == [(1, "hit"), (2, "")]


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_the_farthest_moments_are_answered(client_of: ClientOf, alice: User, triage: PromptVersion, at: str) -> None:
    assert client_of(alice).get(url("label-history", triage, f"?at={at}")).status_code == 200


def test_it_gives_the_call_that_reads_the_same(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    (answer,) = client_of(alice).get(url("label-history", triage, "?at=2199-01-01T00:00")).context["answers"]
    assert answer["call"] == (
        "http://testserver/api/public/v2/prompts/support%2Ftriage?label=production&at=2199-01-01T00:00:00Z"
    )


def test_a_moment_that_cannot_be_read_is_told(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    page = client_of(alice).get(url("label-history", triage, "?at=yesterday"))
    assert page.status_code == 200 and "Enter a valid date/time" in text(page)


def test_it_says_that_no_label_has_been_moved(client_of: ClientOf, alice: User) -> None:
    version = services.create_prompt(owner=alice, name="a", type="text", draft=Draft("Hi"))
    assert "No label has been moved" in text(client_of(alice).get(url("label-history", version)))
