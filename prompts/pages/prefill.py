"""A new prompt that is begun from elsewhere, such as a conversation. Whoever knows of that adds to ``sources``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.http import QueryDict

from prompts.drafts import Draft

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Prefill:
    """``message`` is the commit message to begin with; ``note`` tells what was left out."""

    draft: Draft
    message: str
    note: str = ""


class PrefillSource(Protocol):
    def __call__(self, user: User, query: QueryDict) -> Prefill | None:
        """None where the query of the address names nothing. Raises ObjectDoesNotExist for what is not to be read."""


# Apps above add theirs as the server starts.
sources: list[PrefillSource] = []


def prefill_for(user: User, query: QueryDict) -> Prefill | None:
    """Of the first source that the query names. Raises ObjectDoesNotExist."""
    found = (source(user, query) for source in sources)
    return next((prefill for prefill in found if prefill is not None), None)
