from __future__ import annotations

from audit.actions import Action


class SystemAction(Action):
    SETTING_CHANGE = "aistrale:setting:change"
