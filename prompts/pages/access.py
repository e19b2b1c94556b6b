"""Whose prompts a page opens. What a user may not see, or may not change, answers as what does not exist."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import User
from prompts.models import Prompt, PromptVersion


def visible_prompt(user: User, pk: UUID) -> Prompt:
    return get_object_or_404(Prompt.objects.visible_to(user).select_related("owner", "team"), pk=pk)


def editable_prompt(user: User, pk: UUID) -> Prompt:
    return get_object_or_404(Prompt.objects.editable_by(user).select_related("owner", "team"), pk=pk)


def own_prompt(user: User, pk: UUID) -> Prompt:
    return get_object_or_404(Prompt.objects.owned_by(user).select_related("owner", "team"), pk=pk)


def number_in(text: str) -> int | None:
    """A number of a version as an address or a form has it; None for what cannot be one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def chosen_version(prompt: Prompt, text: str) -> PromptVersion | None:
    """By the number in an address, without one the newest; None where the prompt has no versions."""
    versions = prompt.versions.select_related("author")
    if not text:
        return versions.first()
    number = number_in(text)
    if number is None:
        raise Http404
    return get_object_or_404(versions, number=number)
