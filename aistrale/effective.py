"""The settings as they are in effect, without secrets, and where each value came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aistrale.env import SettingsEnv
from aistrale.logs import redact_text

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
