"""Choosing whom something is shared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.sharing import PRIVATE, Audience


class AudienceField(forms.ChoiceField):
    """Cleans to an Audience: one of those that are offered. Nothing sent is nobody else."""

    def __init__(self, offered: Sequence[Audience], **kwargs: Any) -> None:
        self._offered = {audience.key: audience for audience in offered}
        choices = [(key, audience.title) for key, audience in self._offered.items()]
        super().__init__(choices=choices, label="Shared with", **kwargs)

    def clean(self, value: Any) -> Audience:
        return self._offered[super().clean(value)] if value else PRIVATE


def with_current(offered: Sequence[Audience], current: Audience) -> list[Audience]:
    """What is may stay, also where the user could not choose it any more."""
    return list(offered) if current in offered else [*offered, current]
