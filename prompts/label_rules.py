"""What a change of a label needs: includes that resolve, and for protected labels somebody else's approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompts import composition
from prompts.composition import IncludeRefused
from prompts.models import Approval, Prompt, PromptVersion, ProtectedLabel
from prompts.reading import target_of

if TYPE_CHECKING:
    from accounts.models import User


class LabelRefused(ValueError):
    """``code`` names the reason for programs."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def existing_version(prompt: Prompt, number: int) -> PromptVersion:
    """Raises LabelRefused for one that was deleted meanwhile."""
    found = prompt.versions.filter(number=number).first()
    if found is None:
        raise LabelRefused(f"v{number} has been deleted. Choose another version.", "version_missing")
    return found


def check_unprotected(*, label: str, actor: User) -> None:
    """Raises LabelRefused for a label that the actor may not change without somebody else's approval."""
    protected = ProtectedLabel.objects.filter(name=label).first()
    if protected is None or not needs_approval(protected, actor):
        return
    if protected.approval == Approval.ADMINISTRATOR:
        needed = "Only an administrator may set, move or remove it; request approval on the page of the prompt."
    else:
        needed = "A second user must approve the move; request approval on the page of the prompt."
    raise LabelRefused(f"“{label}” is protected. {needed}", "label_protected")


def needs_approval(protected: ProtectedLabel, actor: User) -> bool:
    """Where a second user must agree, administrators do not move the label alone either."""
    return protected.approval != Approval.ADMINISTRATOR or not actor.is_administrator


def check_target(prompt: Prompt, to: PromptVersion, actor: User) -> None:
    """It may have been deleted meanwhile, what it includes may have changed, and a label can close a cycle."""
    existing_version(prompt, to.number)
    try:
        composition.resolve(prompt.name, to.body, lambda include: target_of(include, actor))
    except IncludeRefused as error:
        raise LabelRefused(str(error), "invalid_include") from error
