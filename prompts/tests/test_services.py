from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import Team, User
from accounts.sharing import EVERYONE, Audience, Visibility
from accounts.teams.services import delete_team
from audit.models import AuditEvent
from prompts import services
from prompts.actions import PromptsAction
from prompts.drafts import Draft, DraftRefused
from prompts.label_rules import LabelRefused
from prompts.models import LabelMove, Prompt, PromptVersion
from prompts.reading import VersionNotFound, labels_at, resolved, version_of
from prompts.services import SavedMeanwhile

pytestmark = pytest.mark.django_db


def create(owner: User, name: str = "support/triage", text: str = "Hi {{name}}", **values: Any) -> PromptVersion:
    return services.create_prompt(owner=owner, name=name, type="text", draft=Draft(text), **values)


def recorded() -> list[str]:
    return list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))


def test_it_creates_a_prompt_with_its_first_version(alice: User) -> None:
    version = create(alice, message="First", labels=["production", "latest"])
    assert (version.number, version.message, version.draft) == (1, "First", Draft("Hi {{name}}"))
    assert list(version.labels.values_list("name", flat=True)) == ["production"]
    assert recorded()[-3:] == [PromptsAction.PROMPT_CREATE, PromptsAction.VERSION_CREATE, PromptsAction.LABEL_MOVE]


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "a|b", "a\nb", "@a", " a", "x" * 201, "a%2Fb", "..", "a/../b", "./a"]
)
def test_it_refuses_a_name_that_no_url_or_include_could_carry(alice: User, name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        create(alice, name)
    assert "name" in refused.value.message_dict
    assert not Prompt.objects.exists()


@pytest.mark.parametrize("name", ["a", "support/triage", "Größe/日本", "a b/c-d_e.f", "x" * 200, ".hidden", "..v2"])
def test_it_takes_names_with_folders_in_any_language(alice: User, name: str) -> None:
    assert create(alice, name).prompt.name == name


def test_a_name_is_taken_once_in_the_whole_installation(alice: User, bob: User) -> None:
    create(alice)
    with pytest.raises(ValidationError, match="This name is taken"):
        create(bob)


@pytest.mark.parametrize("name", ["Support/triage", "support/TRIAGE", "support/ｔｒｉａｇｅ"])
def test_no_two_names_differ_in_case_alone(alice: User, bob: User, name: str) -> None:
    create(alice)
    with pytest.raises(ValidationError, match="upper and lower case alone"):
        create(bob, name)


def test_every_save_is_a_new_version(alice: User) -> None:
    first = create(alice)
    second = services.save_version(prompt=first.prompt, draft=Draft("Bye"), author=alice, made_from=1)
    assert (second.number, second.made_from) == (2, 1)
    assert [version.body for version in first.prompt.versions.all()] == ["Bye", "Hi {{name}}"]


def test_the_database_refuses_to_change_a_version(alice: User) -> None:
    version = create(alice)
    with pytest.raises(DatabaseError), transaction.atomic():
        PromptVersion.objects.filter(pk=version.pk).update(body="Other")
    PromptVersion.objects.filter(pk=version.pk).update(author=None)


def test_the_second_of_two_that_save_at_once_is_told_of_the_first(alice: User) -> None:
    prompt = create(alice).prompt
    first = services.save_version(prompt=prompt, draft=Draft("Hers"), author=alice, made_from=1)
    with pytest.raises(SavedMeanwhile) as meanwhile:
        services.save_version(prompt=prompt, draft=Draft("His"), author=alice, made_from=1)
    assert meanwhile.value.newest == first
    assert prompt.versions.count() == 2


def test_the_number_of_a_deleted_version_is_not_given_again(alice: User) -> None:
    prompt = create(alice).prompt
    second = services.save_version(prompt=prompt, draft=Draft("Two"), author=alice)
    services.delete_version(version=second, actor=alice)
    assert services.save_version(prompt=prompt, draft=Draft("Three"), author=alice).number == 3


def test_a_text_prompt_stays_one(alice: User) -> None:
    with pytest.raises(DraftRefused) as refused:
        services.save_version(prompt=create(alice).prompt, draft=Draft([{"role": "user"}]), author=alice)
    assert refused.value.code == "wrong_type"


def test_a_label_moves_with_its_history(alice: User) -> None:
    first = create(alice, labels=["production"])
    second = services.save_version(prompt=first.prompt, draft=Draft("Two"), author=alice)
    move = services.move_label(prompt=first.prompt, label="production", to=second, actor=alice, reason="Better")
    assert move is not None
    assert (move.from_version, move.to_version, move.reason, move.actor) == (1, 2, "Better", alice)
    assert version_of(first.prompt, label="production") == second
    assert services.move_label(prompt=first.prompt, label="production", to=second, actor=alice) is None


def test_the_database_refuses_to_change_the_history(alice: User) -> None:
    create(alice, labels=["production"])
    with pytest.raises(DatabaseError), transaction.atomic():
        LabelMove.objects.update(to_version=5)


def test_it_reads_what_a_label_named_at_a_moment(alice: User) -> None:
    start = timezone.now() - timedelta(seconds=1)
    first = create(alice, labels=["production"])
    between = LabelMove.objects.get().at
    second = services.save_version(prompt=first.prompt, draft=Draft("Two"), author=alice, labels=["production"])
    assert version_of(first.prompt, label="production", at=between) == first
    assert version_of(first.prompt, label="production", at=timezone.now()) == second
    assert labels_at(first.prompt, between) == {"production": 1}
    with pytest.raises(VersionNotFound):
        version_of(first.prompt, label="production", at=start)


def test_a_removed_label_is_not_found_and_never_replaced(alice: User) -> None:
    first = create(alice, labels=["production"])
    services.move_label(prompt=first.prompt, label="production", to=None, actor=alice)
    missing: list[dict[str, Any]] = [{"label": "production"}, {"label": "staging"}, {"version": 2}]
    for wanted in missing:
        with pytest.raises(VersionNotFound):
            version_of(first.prompt, **wanted)


def test_latest_follows_by_itself_and_cannot_be_moved(alice: User) -> None:
    first = create(alice)
    second = services.save_version(prompt=first.prompt, draft=Draft("Two"), author=alice)
    assert version_of(first.prompt, label="latest") == second
    with pytest.raises(LabelRefused) as refused:
        services.move_label(prompt=first.prompt, label="latest", to=first, actor=alice)
    assert refused.value.code == "label_latest"


@pytest.mark.parametrize("label", ["", "A", "a b", "-a", "x" * 51])
def test_it_refuses_names_that_are_no_labels(alice: User, label: str) -> None:
    with pytest.raises(LabelRefused):
        services.move_label(prompt=create(alice).prompt, label=label, to=PromptVersion.objects.get(), actor=alice)


def test_nothing_is_deleted_that_a_label_points_at(alice: User) -> None:
    version = create(alice, labels=["production"])
    with pytest.raises(LabelRefused, match="production"):
        services.delete_version(version=version, actor=alice)
    with pytest.raises(LabelRefused, match="production"):
        services.delete_prompt(prompt=version.prompt, actor=alice)
    services.move_label(prompt=version.prompt, label="production", to=None, actor=alice)
    services.delete_prompt(prompt=version.prompt, actor=alice)
    assert not Prompt.objects.exists()
    assert recorded()[-1] == PromptsAction.PROMPT_DELETE


def test_includes_are_checked_at_save_with_the_rights_of_the_author(alice: User, bob: User) -> None:
    create(bob, "rules", "Be kind.", labels=["production"])
    include = "@@@langfusePrompt:name=rules|label=production@@@"
    with pytest.raises(DraftRefused, match="there is no such prompt"):
        create(alice, text=include)
    services.share_prompt(prompt=Prompt.objects.get(), audience=EVERYONE, readers_may_edit=False, actor=bob)
    assert resolved(create(alice, text=include), reader=alice).body == "Be kind."


def test_a_cycle_through_three_prompts_is_refused_with_its_path(alice: User) -> None:
    def including(name: str) -> str:
        return f"@@@langfusePrompt:name={name}|label=latest@@@"

    create(alice, "a", "A")
    create(alice, "b", including("a"))
    create(alice, "c", including("b"))
    with pytest.raises(DraftRefused, match="a → c → b → a: a prompt cannot include itself"):
        services.save_version(prompt=Prompt.objects.get(name="a"), draft=Draft(including("c")), author=alice)


def test_a_label_is_not_moved_to_where_it_would_close_a_cycle(alice: User) -> None:
    def including(name: str) -> str:
        return f"@@@langfusePrompt:name={name}|label=production@@@"

    first = create(alice, "a", "A", labels=["production"])
    create(alice, "b", including("a"), labels=["production"])
    services.move_label(prompt=first.prompt, label="production", to=None, actor=alice)
    # It includes b, which includes nothing at the moment: only with the label back it is a cycle.
    body = {"body": including("b")}
    looped = PromptVersion.objects.create(prompt=first.prompt, number=2, **body)
    with pytest.raises(LabelRefused) as refused:
        services.move_label(prompt=first.prompt, label="production", to=looped, actor=alice)
    assert refused.value.code == "invalid_include"


def test_readers_edit_only_where_the_owner_lets_them(alice: User, bob: User) -> None:
    prompt = create(alice).prompt
    assert not Prompt.objects.visible_to(bob).exists()
    services.share_prompt(prompt=prompt, audience=EVERYONE, readers_may_edit=False, actor=alice)
    assert Prompt.objects.visible_to(bob).exists()
    assert not Prompt.objects.editable_by(bob).exists()
    services.share_prompt(prompt=prompt, audience=EVERYONE, readers_may_edit=True, actor=alice)
    assert Prompt.objects.editable_by(bob).exists()


def test_sharing_with_a_team_takes_a_member(alice: User, team: Team) -> None:
    prompt = create(alice).prompt
    team.memberships.filter(user=alice).delete()
    with pytest.raises(PermissionDenied):
        services.share_prompt(
            prompt=prompt, audience=Audience(Visibility.TEAM, team), readers_may_edit=False, actor=alice
        )


def test_an_update_is_recorded_with_what_it_changed(alice: User) -> None:
    prompt = create(alice).prompt
    services.update_prompt(prompt=prompt, actor=alice, description="For tickets", tags=["a", "a", " b "])
    prompt.refresh_from_db()
    assert (prompt.description, prompt.tags) == ("For tickets", ["a", "b"])
    assert recorded()[-1] == PromptsAction.PROMPT_UPDATE


@pytest.mark.django_db(transaction=True)
def test_two_saves_at_the_same_moment_get_two_numbers(alice: User) -> None:
    prompt, together = create(alice).prompt, Barrier(2)

    def save(text: str) -> None:
        together.wait()
        services.save_version(prompt=prompt, draft=Draft(text), author=alice)
        connection.close()

    threads = [Thread(target=save, args=[text]) for text in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(prompt.versions.values_list("number", flat=True)) == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_of_two_names_that_look_alike_at_the_same_moment_one_is_refused(alice: User) -> None:
    together, refused = Barrier(2), list[str]()

    def begin(name: str) -> None:
        together.wait()
        try:
            create(alice, name)
        except ValidationError:
            refused.append(name)
        connection.close()

    threads = [Thread(target=begin, args=[name]) for name in ("triage", "Triage")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1 and Prompt.objects.count() == 1


def test_an_older_version_can_be_edited_where_the_newest_one_is_known(alice: User) -> None:
    prompt = create(alice).prompt
    for text in ("B", "C"):
        services.save_version(prompt=prompt, draft=Draft(text), author=alice)
    saved = services.save_version(prompt=prompt, draft=Draft("D"), author=alice, made_from=1, newest_seen=3)
    assert (saved.number, saved.made_from) == (4, 1)
    with pytest.raises(SavedMeanwhile):
        services.save_version(prompt=prompt, draft=Draft("E"), author=alice, made_from=1, newest_seen=3)


@pytest.mark.parametrize("seen_at", [None, 2])
def test_it_moves_no_label_that_stands_elsewhere_than_its_user_saw(alice: User, seen_at: int | None) -> None:
    version = create(alice, labels=["production"])
    second = services.save_version(prompt=version.prompt, draft=Draft("B"), author=alice)
    move: dict[str, Any] = {"prompt": version.prompt, "label": "production", "to": second, "actor": alice}
    with pytest.raises(LabelRefused) as refused:
        services.move_label(**move, seen_at=seen_at)
    assert refused.value.code == "label_moved" and "stands at v1" in refused.value.message
    assert services.move_label(**move, seen_at=1)


def test_no_label_moves_to_a_version_that_was_deleted_meanwhile(alice: User) -> None:
    first = create(alice)
    gone = services.save_version(prompt=first.prompt, draft=Draft("Bye"), author=alice)
    services.delete_version(version=PromptVersion.objects.get(pk=gone.pk), actor=alice)
    with pytest.raises(LabelRefused, match="v2 has been deleted"):
        services.move_label(prompt=first.prompt, label="production", to=gone, actor=alice)


def test_it_says_that_the_label_is_gone(alice: User) -> None:
    version = create(alice)
    with pytest.raises(LabelRefused, match="it is gone"):
        services.move_label(prompt=version.prompt, label="production", to=version, actor=alice, seen_at=1)


def test_a_team_that_goes_leaves_its_prompts_to_their_owners_alone(alice: User, admin: User, team: Team) -> None:
    prompt = create(alice, audience=Audience(Visibility.TEAM, team)).prompt
    services.share_prompt(prompt=prompt, audience=prompt.audience, readers_may_edit=True, actor=alice)
    delete_team(team=team, actor=admin)
    prompt.refresh_from_db()
    assert (prompt.visibility, prompt.readers_may_edit) == (Visibility.PRIVATE, False)
