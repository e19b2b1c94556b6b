"""Which version of a prompt a call was made with. Prompts are in another app: this is all that a call's record has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class PromptUse:
    """``labels``: the version that each label of the prompt served when the call was made."""

    id: UUID
    name: str
    version: int
    labels: Mapping[str, int] = field(default_factory=dict)


def prompt_columns(use: PromptUse | None) -> dict[str, Any]:
    """By the names of the fields of ``Generation``."""
    if use is None:
        return {}
    return {
        "prompt_id": use.id,
        "prompt_name": use.name,
        "prompt_version": use.version,
        "prompt_labels": dict(use.labels),
    }


class HasPrompt(Protocol):
    """A call, as its record has it."""

    prompt_id: UUID | None
    prompt_name: str
    prompt_version: int | None
    prompt_labels: Any


def prompt_of_call(call: HasPrompt) -> PromptUse | None:
    if call.prompt_id is None or call.prompt_version is None:
        return None
    return PromptUse(call.prompt_id, call.prompt_name, call.prompt_version, call.prompt_labels)


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """The calls of one version of a prompt. Seconds are of calls that succeeded, None where there were none.

    ``cost_usd`` is the mean of calls with a price; ``failed`` are those of ``ended`` that failed or were interrupted.
    ``good`` and ``bad``: how many ratings of its calls were so.
    """

    uses: int
    ended: int
    failed: int
    seconds_p50: float | None
    seconds_p95: float | None
    cost_usd: Decimal | None
    good: int = 0
    bad: int = 0

    @property
    def error_rate(self) -> float | None:
        """From 0 to 1."""
        return self.failed / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class UserCalls:
    """The calls of one user with a prompt. ``version`` is that of the last one."""

    user: User
    uses: int
    version: int
    last_at: datetime
