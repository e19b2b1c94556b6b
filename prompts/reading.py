"""Which version of a prompt is meant: by number, by label, or by what a label said at some moment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from prompts.composition import Resolved, Target, resolve
from prompts.models import LATEST, Label, LabelMove, Prompt, PromptVersion
from prompts.templating import Include

if TYPE_CHECKING:
    from accounts.models import User


class VersionNotFound(LookupError):
    """The prompt has no such version or label. Another one is never given instead."""


def version_of(
    prompt: Prompt, *, version: int | None = None, label: str | None = None, at: datetime | None = None
) -> PromptVersion:
    """Exactly one of ``version`` and ``label``; ``at`` (aware) asks for the version that the label named then.

    Raises VersionNotFound.
    """
    number = version if label is None else _number(prompt, label, at)
    found = prompt.versions.filter(number=number).first() if number is not None else None
    if found is None:
        wanted = f"label “{label}”" if label is not None else f"version {version}"
        raise VersionNotFound(f"The prompt “{prompt}” has no {wanted}" + (f" as of {at.isoformat()}." if at else "."))
    return found


def _number(prompt: Prompt, label: str, at: datetime | None) -> int | None:
    if label == LATEST:
        versions = prompt.versions.filter(created_at__lte=at) if at else prompt.versions.all()
        return versions.order_by("-number").values_list("number", flat=True).first()
    if at is None:
        return Label.objects.filter(prompt=prompt, name=label).values_list("version__number", flat=True).first()
    moves = LabelMove.objects.filter(prompt=prompt, label=label, at__lte=at)
    return moves.values_list("to_version", flat=True).first()


def predecessor_of(version: PromptVersion) -> PromptVersion | None:
    """The version that it was made from, or else the one before it."""
    before = version.prompt.versions.select_related("author").filter(number__lt=version.number)
    return before.filter(number=version.made_from or 0).first() or before.first()


def labels_at(prompt: Prompt, at: datetime) -> dict[str, int]:
    """What each label named at that moment."""
    moves = LabelMove.objects.filter(prompt=prompt, at__lte=at).order_by("label", "-at", "-pk").distinct("label")
    return {label: number for label, number in moves.values_list("label", "to_version") if number is not None}


def resolved(version: PromptVersion, *, reader: User) -> Resolved:
    """The version with everything that it includes, as far as ``reader`` may see it. Raises IncludeRefused."""
    return resolve(version.prompt.name, version.body, lambda include: target_of(include, reader))


def target_of(include: Include, reader: User) -> Target | None:
    found = included_version(include, reader=reader)
    return Target(found.prompt.name, found.number, found.body) if found else None


def included_version(include: Include, *, reader: User) -> PromptVersion | None:
    """The version that an include means at the moment; None for what there is not, or not to be seen."""
    prompt = Prompt.objects.visible_to(reader).filter(name=include.name).first()
    if prompt is None:
        return None
    try:
        return version_of(prompt, version=include.version, label=include.label)
    except VersionNotFound:
        return None
