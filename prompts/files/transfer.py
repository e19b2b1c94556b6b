"""Prompts from the registry to files, and from files to the registry: all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from audit.services import batch, record
from prompts import services
from prompts.actions import PromptsAction
from prompts.drafts import DraftRefused
from prompts.files.document import FileRefused, PromptFile
from prompts.label_rules import LabelRefused
from prompts.models import LATEST, Prompt, PromptVersion
from prompts.templating import TemplateError

if TYPE_CHECKING:
    from accounts.models import User

# Of the lock that lets one import at a time create names, so that no two wait for each other.
_LOCK = 0x70726F6D707473


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """What an import does with one version in a file. ``details`` are sentences. A file that cannot be read has no
    ``file``.
    """

    path: str
    name: str
    outcome: Outcome
    version: int | None = None
    problem: str = ""
    details: tuple[str, ...] = ()
    file: PromptFile | None = None


def refusal_of(error: FileRefused) -> Result:
    return Result(error.path, "", Outcome.REFUSED, problem=error.without_path)


@dataclass(frozen=True, slots=True)
class Options:
    """``label`` is set to every imported version. Labels that files name are set for new prompts, those of others only
    where ``moves_labels``. ``message`` takes the place of the files' own.
    """

    label: str = ""
    moves_labels: bool = False
    message: str = ""


class ImportRefused(Exception):
    """Nothing has been stored. ``results`` say what would have been, and what is in the way."""

    def __init__(self, results: Sequence[Result]) -> None:
        super().__init__("Some of the files were refused.")
        self.results = list(results)


def file_of(version: PromptVersion) -> PromptFile:
    """Of a version whose prompt and labels are at hand."""
    prompt = version.prompt
    return PromptFile(
        name=prompt.name,
        draft=version.draft,
        description=prompt.description or None,
        tags=tuple(prompt.tags) or None,
        version=version.number,
        message=version.message,
        labels=tuple(label.name for label in version.labels.all()),
    )


def files_of(prompts: QuerySet[Prompt], *, label: str = LATEST) -> list[PromptFile]:
    """The version in the label of each prompt that has one, by name."""
    versions = PromptVersion.objects.filter(prompt__in=prompts.order_by()).select_related("prompt")
    if label == LATEST:
        versions = versions.order_by("prompt_id", "-number").distinct("prompt_id")
    else:
        versions = versions.filter(labels__name=label)
    files = [file_of(version) for version in versions.prefetch_related("labels")]
    return sorted(files, key=lambda file: file.name)


@transaction.atomic
def record_export(*, actor: User, count: int, file_format: str, label: str = LATEST) -> None:
    after = {"prompts": count, "format": file_format, "label": label}
    record(action=PromptsAction.FILES_EXPORT, actor=actor, after=after)


@transaction.atomic
def record_export_of_one(*, actor: User, version: PromptVersion, file_format: str) -> None:
    after = {"prompts": 1, "format": file_format, "version": version.number}
    record(action=PromptsAction.FILES_EXPORT, actor=actor, target=version.prompt, after=after)


def import_files(*, files: Sequence[PromptFile], actor: User, options: Options) -> list[Result]:
    """Raises ImportRefused."""
    try:
        return _import(files, actor, options)
    except IntegrityError:
        # Somebody has created one of the prompts in this moment.
        return _import(files, actor, options)


@transaction.atomic
@batch()
def _import(files: Sequence[PromptFile], actor: User, options: Options) -> list[Result]:
    results = _run(files, actor, options)
    if any(result.outcome is Outcome.REFUSED for result in results):
        raise ImportRefused(results)
    counts = {outcome.value: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    if counts[Outcome.CREATED] or counts[Outcome.CHANGED]:
        record(action=PromptsAction.FILES_IMPORT, actor=actor, after=counts)
    return results


def preview_import(*, files: Sequence[PromptFile], actor: User, options: Options) -> list[Result]:
    """What ``import_files`` would do: it is done and taken back."""
    try:
        with transaction.atomic(), batch():
            raise ImportRefused(_run(files, actor, options))
    except ImportRefused as undone:
        return undone.results


def _run(files: Sequence[PromptFile], actor: User, options: Options) -> list[Result]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    names = {file.name for file in files}
    # All locks in one order, before any is taken by a change.
    list(Prompt.objects.filter(name__in=names).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    steps, seen = [], dict[tuple[str, int | None], str]()
    matched: dict[str, int] = {}
    for file in _in_order(files):
        key = (file.name, file.version if _has_versions(files, file.name) else None)
        if key in seen:
            steps.append(_refused(file, f"The same prompt is in {seen[key] or 'this file'}."))
            continue
        seen[key] = file.path
        steps.append(_attempt(file, actor, options, matched))
    return steps


def _has_versions(files: Sequence[PromptFile], name: str) -> bool:
    """Whether all that have this name are versions of one history."""
    return all(file.version is not None for file in files if file.name == name)


def _in_order(files: Sequence[PromptFile]) -> list[PromptFile]:
    """Included prompts before those that include them, versions of a prompt by their numbers."""
    by_name: dict[str, list[PromptFile]] = {}
    for file in sorted(files, key=lambda file: (file.name, file.version or 0)):
        by_name.setdefault(file.name, []).append(file)
    ordered: dict[str, None] = {}
    for name in by_name:
        _visit(name, by_name, ordered, set())
    return [file for name in ordered for file in by_name[name]]


def _visit(name: str, by_name: dict[str, list[PromptFile]], ordered: dict[str, None], met: set[str]) -> None:
    """A cycle is left where it is met: saving refuses it."""
    stack = [(name, iter(sorted(_included(by_name[name]) & by_name.keys())))]
    while stack:
        current, included = stack[-1]
        met.add(current)
        following = next((each for each in included if each not in met and each not in ordered), None)
        if following is not None:
            stack.append((following, iter(sorted(_included(by_name[following]) & by_name.keys()))))
        else:
            stack.pop()
            ordered.setdefault(current)


def _included(files: Iterable[PromptFile]) -> set[str]:
    try:
        return {include.name for file in files for include in file.draft.includes}
    except TemplateError:
        return set()


def _attempt(file: PromptFile, actor: User, options: Options, matched: dict[str, int]) -> Result:
    try:
        with transaction.atomic():
            result = _import_one(file, actor, options, matched.get(file.name, 0))
    except FileRefused as error:
        return _refused(file, error.problem)
    except LabelRefused as error:
        return _refused(file, error.message)
    except DraftRefused as error:
        return _refused(file, " ".join(text for _, text in error.errors[:5]))
    except ValidationError as error:
        return _refused(file, "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()))
    matched[file.name] = result.version or 0
    notes = (f"Not understood: {', '.join(file.notes[:20])}.",) if file.notes else ()
    return replace(result, details=(*result.details, *notes), file=file)


def _refused(file: PromptFile, problem: str) -> Result:
    return Result(file.path, file.name, Outcome.REFUSED, problem=problem, file=file)


def _import_one(file: PromptFile, actor: User, options: Options, after: int) -> Result:
    visible = Prompt.objects.visible_to(actor).filter(name=file.name)
    prompt = visible.first()
    if prompt is None:
        try:
            return _create(file, actor, options)
        except (ValidationError, FileRefused):
            # Somebody may have created it in this moment.
            prompt = visible.first()
            if prompt is None:
                raise
    if not Prompt.objects.editable_by(actor).filter(pk=prompt.pk).exists():
        raise FileRefused("You may read this prompt, but not change it.")
    version = _same_version(prompt, file, after)
    is_known = version is not None
    if version is None:
        version = services.save_version(
            prompt=prompt,
            draft=file.draft,
            author=actor,
            message=options.message or _message(prompt, file),
            made_from=_made_from(prompt, file),
            unless_newer=False,
        )
    changes = [*_move_labels(prompt, version, file, actor, options), *_describe(prompt, file, actor)]
    notes = _notes(prompt, file, version, is_known=is_known)
    outcome = Outcome.UNCHANGED if is_known and not changes else Outcome.CHANGED
    return Result(file.path, file.name, outcome, version.number, details=(*changes, *notes))


def _move_labels(
    prompt: Prompt, version: PromptVersion, file: PromptFile, actor: User, options: Options
) -> Iterator[str]:
    wanted = [*(file.labels if options.moves_labels else ()), options.label]
    for label in dict.fromkeys(wanted):
        if label in ("", LATEST):
            continue
        move = services.move_label(
            prompt=prompt, label=label, to=version, actor=actor, reason=f"Import of {file.path}"[:500]
        )
        if move:
            yield (
                f"Moves {label} from v{move.from_version} to v{version.number}."
                if move.from_version
                else f"Sets {label}."
            )


def _describe(prompt: Prompt, file: PromptFile, actor: User) -> Iterator[str]:
    if file.description is not None and file.description != prompt.description:
        services.update_prompt(prompt=prompt, actor=actor, description=file.description)
        yield "Changes the description."
    if file.tags is not None and list(file.tags) != prompt.tags:
        services.update_prompt(prompt=prompt, actor=actor, tags=file.tags)
        yield "Changes the tags."


def _notes(prompt: Prompt, file: PromptFile, version: PromptVersion, *, is_known: bool) -> Iterator[str]:
    """What its user should know of other versions."""
    others = prompt.versions.exclude(pk=version.pk).values_list("number", flat=True)
    newest = max(others, default=0)
    if is_known and newest > version.number:
        yield f"Same as v{version.number}; v{newest} is newer and stays."
    if not is_known and file.version and newest > file.version:
        yield f"The file was exported from v{file.version}, but v{newest} has been saved since."
    if prompt.is_archived:
        yield "The prompt is archived."


def _create(file: PromptFile, actor: User, options: Options) -> Result:
    if Prompt.objects.filter(name=file.name).exists():
        raise FileRefused(f"The name “{file.name}” is taken by a prompt that you cannot see.")
    labels = [label for label in (*file.labels, options.label) if label]
    version = services.create_prompt(
        owner=actor,
        name=file.name,
        type=file.type,
        draft=file.draft,
        description=file.description or "",
        tags=file.tags or (),
        message=options.message or file.message or _default_message(file),
        labels=labels,
    )
    details = tuple(f"Sets {label}." for label in dict.fromkeys(labels) if label != LATEST)
    return Result(file.path, file.name, Outcome.CREATED, version.number, details=details)


def _same_version(prompt: Prompt, file: PromptFile, after: int) -> PromptVersion | None:
    """The version that says the same. Of a file that was exported it may be an older one: nothing is taken back by a
    file that nobody has changed.
    """
    versions = prompt.versions.order_by("number" if file.version else "-number").filter(number__gt=after)
    versions = versions.filter(body=file.draft.as_stored()["body"])
    found = next((version for version in versions if version.draft == file.draft), None)
    newest = prompt.versions.order_by("-number").first()
    return found if file.version or found is None or newest == found else None


def _message(prompt: Prompt, file: PromptFile) -> str:
    """The file's own, unless it is that of the version which the file was exported from."""
    stands = prompt.versions.filter(number=file.version or 0, message=file.message).exists()
    return _default_message(file) if stands or not file.message else file.message


def _default_message(file: PromptFile) -> str:
    return f"Imported from {file.path}"[:500]


def _made_from(prompt: Prompt, file: PromptFile) -> int | None:
    return file.version if prompt.versions.filter(number=file.version or 0).exists() else None
