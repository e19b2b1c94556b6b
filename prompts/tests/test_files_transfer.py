"""Files and the registry: what is stored, by whose rights, and that it is all or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection

from accounts.models import User
from audit.models import AuditEvent
from prompts import services
from prompts.drafts import Draft, Variable
from prompts.files.document import PromptFile
from prompts.files.transfer import (
    ImportRefused,
    Options,
    Outcome,
    Result,
    file_of,
    files_of,
    import_files,
    preview_import,
)
from prompts.models import Label, Prompt, PromptVersion

pytestmark = pytest.mark.django_db
INCLUDE = "@@@langfusePrompt:name={}|label=latest@@@"


def bring(actor: User, *files: PromptFile, **options: object) -> list[Result]:
    return import_files(files=files, actor=actor, options=Options(**options))  # type: ignore[arg-type]


def outcomes(results: list[Result]) -> list[str]:
    return [result.outcome.value for result in results]


def text(name: str, body: str = "Hi", **more: object) -> PromptFile:
    return PromptFile(name, Draft(body), path=f"{name}.md", **more)  # type: ignore[arg-type]


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))


def test_it_creates_prompts_with_all_that_the_file_says(alice: User) -> None:
    draft = Draft("Hi {{who}}", (Variable("who", sample="Ada"),), config={"a": 1}, provider="openai", model="m")
    file = PromptFile("mail/hi", draft, "Greets", ("mail",), 7, "Shorter", ("production", "latest"))
    [result] = bring(alice, file)
    assert (result.outcome, result.version, result.details) == (Outcome.CREATED, 1, ("Sets production.",))
    version = PromptVersion.objects.get()
    assert (version.draft, version.message, version.prompt.owner) == (draft, "Shorter", alice)
    assert (version.prompt.description, version.prompt.tags) == ("Greets", ["mail"])
    assert Label.objects.get().name == "production" and not version.prompt.is_shared


def test_what_is_exported_is_the_same_when_it_is_imported(alice: User, triage: PromptVersion) -> None:
    before = actions()
    for label in ("latest", "production"):
        files = files_of(Prompt.objects.visible_to(alice), label=label)
        assert outcomes(bring(alice, *files)) == ["unchanged"]
    assert triage.prompt.versions.count() == 2 and actions() == before


def test_a_file_that_is_imported_twice_makes_no_new_version(alice: User) -> None:
    files = [text("a", description="x", tags=("y",)), text("b", labels=("production",))]
    assert outcomes(bring(alice, *files)) == ["created", "created"]
    assert outcomes(bring(alice, *files, moves_labels=True)) == ["unchanged", "unchanged"]
    assert PromptVersion.objects.count() == 2


def test_a_changed_file_makes_a_version(alice: User, triage: PromptVersion) -> None:
    file = PromptFile("support/triage", Draft("Sort"), "New", version=2, message="Shorter", path="a.md")
    [result] = bring(alice, file)
    assert (result.outcome, result.version, result.details) == (Outcome.CHANGED, 3, ("Changes the description.",))
    version = triage.prompt.versions.get(number=3)
    assert (version.made_from, version.message, version.author) == (2, "Imported from a.md", alice)
    assert outcomes(bring(alice, file)) == ["unchanged"]


def test_an_old_export_takes_nothing_back(alice: User, triage: PromptVersion) -> None:
    first = file_of(triage.prompt.versions.get(number=1))
    [result] = bring(alice, first)
    assert (result.outcome, result.details) == (Outcome.UNCHANGED, ("Same as v1; v2 is newer and stays.",))
    [result] = bring(alice, PromptFile("support/triage", Draft("Sort"), version=1))
    assert result.details == ("The file was exported from v1, but v2 has been saved since.",)


def test_without_a_version_the_file_is_the_newest(alice: User, triage: PromptVersion) -> None:
    draft = triage.prompt.versions.get(number=1).draft
    assert bring(alice, PromptFile("support/triage", draft))[0].version == 3


def test_a_history_is_imported_in_order_and_once(alice: User) -> None:
    history = [text("a", body, version=number) for number, body in ((3, "A"), (1, "A"), (2, "B"))]
    assert outcomes(bring(alice, *history)) == ["created", "changed", "changed"]
    assert [version.body for version in PromptVersion.objects.order_by("number")] == ["A", "B", "A"]
    assert outcomes(bring(alice, *history)) == ["unchanged"] * 3


def test_labels_of_prompts_that_exist_move_only_where_it_is_wanted(alice: User, triage: PromptVersion) -> None:
    file = text("support/triage", labels=("production",))
    assert bring(alice, file)[0].details == ()
    assert bring(alice, file, moves_labels=True)[0].details == ("Moves production from v1 to v3.",)
    assert bring(alice, file, label="staging")[0].details == ("Sets staging.",)
    assert {label.name: label.version.number for label in triage.prompt.labels.all()} == {"production": 3, "staging": 3}
    assert triage.prompt.label_moves.first().reason == "Import of support/triage.md"  # type: ignore[union-attr]


def test_prompts_may_include_one_another(alice: User) -> None:
    files = [text("a", INCLUDE.format("b")), text("b", INCLUDE.format("c")), text("c")]
    assert outcomes(bring(alice, *files)) == ["created"] * 3


def refused(actor: User, *files: PromptFile, **options: object) -> list[str]:
    """What is said of each; nothing has been stored."""
    before = Prompt.objects.count(), PromptVersion.objects.count(), AuditEvent.objects.count()
    with pytest.raises(ImportRefused) as error:
        bring(actor, *files, **options)
    assert before == (Prompt.objects.count(), PromptVersion.objects.count(), AuditEvent.objects.count())
    return [result.problem for result in error.value.results if result.outcome is Outcome.REFUSED]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (text("b", "Hi {{"), "is not closed"),
        (text(".."), "Use letters, digits"),
        (text("/a"), "Use letters, digits"),
        (text("a" * 201), "at most 200 characters"),
        (text("b", tags=("x" * 60,)), "at most 50 characters"),
        (text("b", message="x" * 501), "at most 500 characters"),
        (text("b", labels=("Production",)), "is not a label"),
        (text("b", INCLUDE.format("no")), "there is no such prompt"),
        (text("b", INCLUDE.format("b")), "a prompt cannot include itself"),
        (text("b", "x" * 600_000), "at most 500,000 characters"),
        (PromptFile("b", Draft([{"type": "chatmessage", "role": "king", "content": "x"}])), "the role must be one of"),
        (PromptFile("b", Draft("x", tools=("no",))), "must have the form"),  # type: ignore[arg-type]
        (PromptFile("b", Draft("x", response_schema={"type": "no"})), "not a JSON schema"),
        (text("a", "Other"), "The same prompt is in a.md"),
    ],
)
def test_one_wrong_file_stores_none(file: PromptFile, told: str, alice: User) -> None:
    [problem] = refused(alice, text("a"), file)
    assert told in problem


def test_a_cycle_is_refused(alice: User) -> None:
    files = [text("a", INCLUDE.format("b")), text("b", INCLUDE.format("c")), text("c", INCLUDE.format("a"))]
    assert len(refused(alice, *files)) == 3


def test_it_changes_only_what_its_user_may_change(
    bob: User, charlie: User, triage: PromptVersion, let_edit: Callable[[PromptVersion], None]
) -> None:
    file = text("support/triage")
    assert refused(charlie, file) == ["The name “support/triage” is taken by a prompt that you cannot see."]
    assert refused(bob, file) == ["You may read this prompt, but not change it."]
    chat = PromptFile("support/triage", Draft([{"type": "chatmessage", "role": "user", "content": "x"}]))
    let_edit(triage)
    assert "its type cannot change" in refused(bob, chat)[0]
    assert outcomes(bring(bob, file)) == ["changed"]
    assert files_of(Prompt.objects.visible_to(charlie)) == []


def test_includes_are_those_that_its_user_sees(charlie: User, triage: PromptVersion) -> None:
    assert "there is no such prompt" in refused(charlie, text("mine", INCLUDE.format("support/triage")))[0]


def test_a_preview_says_the_same_and_stores_nothing(alice: User, triage: PromptVersion) -> None:
    files = [text("a", INCLUDE.format("b")), text("b"), text("support/triage"), text("c", "{{")]
    before = actions()
    results = preview_import(files=files, actor=alice, options=Options())
    assert outcomes(results) == ["created", "created", "refused", "changed"]
    assert PromptVersion.objects.count() == 2 and actions() == before
    assert outcomes(bring(alice, *files[:3])) == ["created", "created", "changed"]


def test_an_import_is_recorded_beside_its_changes(alice: User) -> None:
    before = len(actions())
    bring(alice, text("a", labels=("production",)))
    assert actions()[before:] == [
        "prompts:prompt:create", "prompts:version:create", "prompts:label:move", "prompts:files:import",
    ]  # fmt: skip


@contextmanager
def in_threads(*tasks: Callable[[], object]) -> Iterator[list[BaseException]]:
    errors: list[BaseException] = []

    def run(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield errors


@pytest.mark.django_db(transaction=True)
def test_imports_at_the_same_time_store_everything_once(alice: User) -> None:
    files = [text("a"), text("b", INCLUDE.format("a")), text("c", INCLUDE.format("b"))]
    tasks = [lambda: bring(alice, *files), lambda: bring(alice, *reversed(files)), lambda: bring(alice, *files[:2])]
    with in_threads(*tasks) as errors:
        assert errors == []
    assert PromptVersion.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_prompt_that_is_created_meanwhile_is_met(alice: User) -> None:
    def create() -> None:
        services.create_prompt(owner=alice, name="b", type="text", draft=Draft("Theirs"))

    with in_threads(create, lambda: bring(alice, *(text(name) for name in "abcdef"))) as errors:
        # Either the import finds it, or the other one is told that the name is taken.
        assert all(isinstance(error, ValidationError | IntegrityError) for error in errors), errors
    assert Prompt.objects.count() == 6
