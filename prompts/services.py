"""Every change to prompts, their versions and labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from accounts.sharing import PRIVATE, check_team, lock_team
from audit.services import batch, record
from prompts import composition, drafts
from prompts.actions import PromptsAction
from prompts.composition import IncludeRefused
from prompts.drafts import Draft, DraftRefused
from prompts.label_rules import LabelRefused, check_target, check_unprotected
from prompts.models import (
    LABEL_NAME,
    LATEST,
    Label,
    LabelMove,
    LabelProposal,
    Prompt,
    PromptVersion,
)
from prompts.reading import target_of
from prompts.rollouts import end_by_move

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.sharing import Audience

# No version has this number.
ANYWHERE = 0


def _tell_nobody(move: LabelMove) -> None:
    """As long as no app wants to know."""


# Told of each move, within its transaction. Set as the server starts, by the app above that wants to know.
label_moved: Callable[[LabelMove], None] = _tell_nobody


class SavedMeanwhile(Exception):
    """Somebody has saved another version since the one that was edited. ``newest`` is theirs."""

    def __init__(self, newest: PromptVersion) -> None:
        super().__init__(f"Version {newest.number} was saved meanwhile.")
        self.newest = newest


@transaction.atomic
@batch()
def create_prompt(
    *,
    owner: User,
    name: str,
    type: str,
    draft: Draft,
    description: str = "",
    tags: Sequence[str] = (),
    audience: Audience = PRIVATE,
    message: str = "",
    labels: Collection[str] = (),
) -> PromptVersion:
    """A prompt with its first version. Raises ValidationError (by field) for name, tags and type, DraftRefused."""
    lock_team(audience.team)
    check_team(audience=audience, actor=owner)
    prompt = Prompt(owner=owner, name=name, type=type, description=description, tags=_unique(tags))
    prompt.audience = audience
    prompt.full_clean()
    _lock_name(name)
    if Prompt.objects.looking_like(name).exists():
        raise ValidationError({"name": "There is a name that differs from it in upper and lower case alone."})
    _check(prompt, draft, owner)
    prompt.save()
    record(action=PromptsAction.PROMPT_CREATE, actor=owner, target=prompt, after={"name": name, "type": type})
    version = _add_version(prompt, draft, owner, message, made_from=None)
    _set_labels(prompt, version, labels, owner, reason="")
    return version


def _lock_name(name: str) -> None:
    """Whoever creates one that looks alike waits until this transaction has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(lower(normalize(%s, NFKC)), 0))", [name])


@transaction.atomic
@batch()
def save_version(
    *,
    prompt: Prompt,
    draft: Draft,
    author: User,
    message: str = "",
    made_from: int | None = None,
    labels: Collection[str] = (),
    unless_newer: bool = True,
    newest_seen: int | None = None,
) -> PromptVersion:
    """A new version, the newest from now on.

    ``made_from`` is the number of the version that was edited, ``newest_seen`` of the newest one that its author knew
    of where that is another. Raises SavedMeanwhile where a newer one stands and ``unless_newer``, DraftRefused for
    what cannot be stored.
    """
    locked = Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    newest = locked.versions.first()
    known = newest_seen or made_from
    if unless_newer and newest is not None and known is not None and newest.number > known:
        raise SavedMeanwhile(newest)
    _check(locked, draft, author)
    version = _add_version(locked, draft, author, message, made_from)
    _set_labels(locked, version, labels, author, reason="")
    return version


def _add_version(prompt: Prompt, draft: Draft, author: User, message: str, made_from: int | None) -> PromptVersion:
    prompt.last_number += 1
    prompt.save(update_fields=["last_number", "updated_at"])
    version = PromptVersion(
        prompt=prompt,
        number=prompt.last_number,
        message=message,
        author=author,
        made_from=made_from,
        **draft.as_stored(),
    )
    version.clean_fields(exclude=["prompt", "author", "variables", "tools", "config", "parameters"])
    version.save()
    record(action=PromptsAction.VERSION_CREATE, actor=author, target=prompt, after={"version": version.number})
    return version


def _check(prompt: Prompt, draft: Draft, author: User) -> None:
    """Raises DraftRefused."""
    if isinstance(draft.body, str) != (prompt.type == "text"):
        raise DraftRefused([("body", f"This is a {prompt.type} prompt: its type cannot change.")], code="wrong_type")
    drafts.check(draft)
    try:
        composition.resolve(prompt.name, draft.body, lambda include: target_of(include, author))
    except IncludeRefused as error:
        raise DraftRefused([("body", str(error))], code="invalid_include") from error


@transaction.atomic
def move_label(
    *,
    prompt: Prompt,
    label: str,
    to: PromptVersion | None,
    actor: User,
    reason: str = "",
    seen_at: int | None = ANYWHERE,
    approver: User | None = None,
) -> LabelMove | None:
    """Set, move or (``to`` None) remove a label, with its history. None where it stands there already.

    ``seen_at`` is the version at which the actor saw the label, None for no such label. ``approver`` has approved the
    move and makes it in the name of the actor. Raises LabelRefused.
    """
    Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    before = check_move(prompt=prompt, label=label, to=to, actor=actor, seen_at=seen_at)
    after = to.number if to else None
    if before == after:
        return None
    if approver is None:
        check_unprotected(label=label, actor=actor)
    if to is None:
        Label.objects.filter(prompt=prompt, name=label).delete()
    else:
        Label.objects.update_or_create(prompt=prompt, name=label, defaults={"version": to})
    end_by_move(prompt, label, to=after, actor=actor)
    move = LabelMove.objects.create(
        prompt=prompt, label=label, from_version=before, to_version=after, actor=actor, reason=reason
    )
    LabelProposal.objects.filter(prompt=prompt, label=label).void()
    label_moved(move)
    record(
        action=PromptsAction.LABEL_MOVE,
        actor=approver or actor,
        target=prompt,
        before={"label": label, "version": before},
        after={"label": label, "version": after, "reason": reason},
    )
    return move


def check_move(
    *, prompt: Prompt, label: str, to: PromptVersion | None, actor: User, seen_at: int | None = ANYWHERE
) -> int | None:
    """The version at which the label stands, None for none. Lock the prompt first. Raises LabelRefused."""
    if label == LATEST:
        raise LabelRefused("“latest” always names the newest version. It cannot be moved.", "label_latest")
    try:
        LABEL_NAME(label)
    except ValidationError as error:
        raise LabelRefused(f"“{label}” is not a label. {error.messages[0]}", "label_invalid") from error
    stored = Label.objects.select_related("version").filter(prompt=prompt, name=label).first()
    stands_at = stored.version.number if stored else None
    if stands_at == (to.number if to else None):
        return stands_at
    if seen_at not in (ANYWHERE, stands_at):
        now = f"stands at v{stands_at}" if stands_at else "is gone"
        raise LabelRefused(f"“{label}” was moved in the meantime: it {now}.", "label_moved")
    if to is not None:
        check_target(prompt, to, actor)
    return stands_at


def _set_labels(prompt: Prompt, version: PromptVersion, labels: Collection[str], actor: User, reason: str) -> None:
    for label in dict.fromkeys(labels):
        if label != LATEST:
            move_label(prompt=prompt, label=label, to=version, actor=actor, reason=reason)


@transaction.atomic
def update_prompt(*, prompt: Prompt, actor: User, **values: Any) -> None:
    """``values``: description, tags, is_archived. Raises ValidationError by field."""
    stored = Prompt.objects.select_for_update(no_key=True).get(pk=prompt.pk)
    before = {name: getattr(stored, name) for name in values}
    if "tags" in values:
        values["tags"] = _unique(values["tags"])
    for name, value in values.items():
        setattr(stored, name, value)
    stored.full_clean()
    if before == values:
        return
    stored.save(update_fields=[*values, "updated_at"])
    record(action=PromptsAction.PROMPT_UPDATE, actor=actor, target=stored, before=before, after=values)


@transaction.atomic
def share_prompt(*, prompt: Prompt, audience: Audience, readers_may_edit: bool, actor: User) -> None:
    """Raises PermissionDenied where the team is not the actor's."""
    lock_team(audience.team)
    stored = Prompt.objects.select_related("team").select_for_update(no_key=True, of=("self",)).get(pk=prompt.pk)
    readers_may_edit = readers_may_edit and audience != PRIVATE
    before = stored.audience.as_audited() | {"readers_may_edit": stored.readers_may_edit}
    after = audience.as_audited() | {"readers_may_edit": readers_may_edit}
    if before == after:
        return
    check_team(audience=audience, actor=actor)
    stored.audience, stored.readers_may_edit = audience, readers_may_edit
    stored.save(update_fields=["visibility", "team", "readers_may_edit"])
    record(action=PromptsAction.PROMPT_SHARE, actor=actor, target=stored, before=before, after=after)


@transaction.atomic
def delete_prompt(*, prompt: Prompt, actor: User) -> None:
    """With all its versions. Raises LabelRefused while a label points at one of them."""
    stored = Prompt.objects.select_for_update().get(pk=prompt.pk)
    if names := list(stored.labels.values_list("name", flat=True)):
        raise LabelRefused(f"Labels point at its versions: {', '.join(names)}. Archive it instead.", "label_in_use")
    pk = stored.pk
    stored.delete()
    stored.pk = pk
    record(action=PromptsAction.PROMPT_DELETE, actor=actor, target=stored, before={"name": stored.name})


@transaction.atomic
def delete_version(*, version: PromptVersion, actor: User) -> None:
    """Raises LabelRefused while a label points at it."""
    prompt = Prompt.objects.select_for_update(no_key=True).get(pk=version.prompt_id)
    if names := list(version.labels.values_list("name", flat=True)):
        raise LabelRefused(f"Labels point at this version: {', '.join(names)}.", "label_in_use")
    if prompt.rollouts.running().filter(to_version=version.number).exists():
        raise LabelRefused("This version is being rolled out. End the rollout first.", "label_in_use")
    number = version.number
    version.delete()
    LabelProposal.objects.filter(prompt=prompt, to_version=number).void()
    record(action=PromptsAction.VERSION_DELETE, actor=actor, target=prompt, before={"version": number})


def _unique(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
