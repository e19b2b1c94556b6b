"""The settings as they are in effect, without secrets, and where each value came from.

Nobody sees an environment change: each start of the server records what is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from aistrale.actions import SystemAction
from aistrale.env import SettingsEnv
from aistrale.logs import redact_text
from audit.models import AuditEvent
from audit.services import record

HIDDEN = "set, not shown"


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """``value`` is fit to be shown."""

    name: str
    value: str
    origin: str

    @property
    def is_default(self) -> bool:
        return self.origin == "default"


def effective_settings(env: SettingsEnv) -> list[EffectiveSetting]:
    """By name."""
    return [
        EffectiveSetting(name, _hidden(env, name) if name in env.secrets else _shown(value), env.origin(name))
        for name, value in sorted(env.dump().items())
    ]


def _hidden(env: SettingsEnv, name: str) -> str:
    return HIDDEN if env.origin(name) != "default" else "not set"


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return redact_text(text) or "not set"


@transaction.atomic
def record_changes(effective: Iterable[EffectiveSetting]) -> None:
    """Records the settings that differ from their defaults, where they are not those recorded last."""
    changed = [setting for setting in effective if not setting.is_default]
    settings = [f"{setting.name}: {setting.value} ({setting.origin})" for setting in changed]
    last = AuditEvent.objects.filter(action=SystemAction.SETTING_CHANGE).order_by("sequence").last()
    known = last.after["settings"] if last else []
    if settings != known:
        record(action=SystemAction.SETTING_CHANGE, actor=None, before={"settings": known}, after={"settings": settings})
