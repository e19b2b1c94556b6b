"""Every change to a playground that is not a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from audit.services import record
from inference.attachments.services import copies_of
from inference.models import StoredFile
from inference.playground.actions import PlaygroundAction
from inference.playground.models import MOST_PANELS, Panel, Playground, PlaygroundFile
from prompts.drafts import Draft

if TYPE_CHECKING:
    from accounts.models import User
    from prompts.models import PromptVersion

_COPIED = (
    *("provider", "model", "token_id", "parameters", "body", "variables", "tools", "response_schema"),
    *("prompt_id", "prompt_name", "prompt_version", "repetitions"),
)


class TooManyPanels(Exception):
    def __init__(self) -> None:
        super().__init__(f"A playground has at most {MOST_PANELS} panels. Remove one first.")


@transaction.atomic
def create_playground(
    *,
    owner: User,
    title: str,
    draft: Draft,
    version: PromptVersion | None = None,
    values: Mapping[str, str],
    token_id: UUID | None = None,
    files: Sequence[StoredFile] = (),
) -> Playground:
    """With one panel, made from ``draft``; ``version`` is what the draft was taken from, if it was.

    ``files`` may be others': the owner gets copies.
    """
    playground = Playground.objects.create(owner=owner, title=title[:200], values=dict(values))
    save_files(playground=playground, files=copies_of(files, owner=owner))
    panel = Panel(playground=playground, position=1, token_id=token_id)
    panel.take(draft)
    if version is not None:
        set_origin(panel, version)
    panel.save()
    return playground


def set_origin(panel: Panel, version: PromptVersion) -> None:
    """Note which version the panel's body was taken from."""
    panel.prompt_id, panel.prompt_name = version.prompt_id, version.prompt.name
    panel.prompt_version = version.number


@transaction.atomic
def add_panel(*, playground: Playground, like: Panel) -> Panel:
    """One more at the end that asks the same as ``like``. Raises TooManyPanels."""
    Playground.objects.select_for_update(no_key=True).get(pk=playground.pk)
    if playground.panels.count() >= MOST_PANELS:
        raise TooManyPanels
    last = playground.panels.aggregate(last=Max("position"))["last"] or 0
    copied: dict[str, Any] = {name: getattr(like, name) for name in _COPIED}
    panel = Panel.objects.create(playground=playground, position=last + 1, **copied)
    _touch(playground)
    return panel


@transaction.atomic
def remove_panel(*, panel: Panel) -> None:
    """The last one stays: a playground always has a panel."""
    Playground.objects.select_for_update(no_key=True).get(pk=panel.playground_id)
    if panel.playground.panels.count() > 1:
        panel.delete()
        _touch(panel.playground)


def save_panel(panel: Panel) -> None:
    panel.save()
    _touch(panel.playground)


def save_values(*, playground: Playground, values: Mapping[str, str]) -> None:
    """Those of variables that are not used at the moment are kept: they may come back."""
    playground.values = {**playground.values, **values}
    playground.save(update_fields=["values", "updated_at"])


@transaction.atomic
def save_files(*, playground: Playground, files: Sequence[StoredFile]) -> None:
    """What every panel sends with its last message, in that order, instead of what it was."""
    Playground.objects.select_for_update(no_key=True).get(pk=playground.pk)
    PlaygroundFile.objects.filter(playground=playground).delete()
    PlaygroundFile.objects.bulk_create(
        PlaygroundFile(playground=playground, file=file, position=position, name=file.name)
        for position, file in enumerate(files)
    )
    _touch(playground)


def rename_playground(*, playground: Playground, title: str) -> None:
    playground.title = title
    playground.save(update_fields=["title", "updated_at"])


@transaction.atomic
def delete_playground(*, playground: Playground, actor: User) -> None:
    """The calls that its panels made stay in telemetry."""
    pk = playground.pk
    playground.delete()
    playground.pk = pk
    record(action=PlaygroundAction.PLAYGROUND_DELETE, actor=actor, target=playground)


def panels_of(playground: Playground) -> Sequence[Panel]:
    return list(playground.panels.all())


def _touch(playground: Playground) -> None:
    playground.save(update_fields=["updated_at"])
