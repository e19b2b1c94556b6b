from __future__ import annotations

from audit.actions import Action


class SystemAction(Action):
    SETTING_CHANGE = "aistrale:setting:change"
    JOB_RUN_AGAIN = "aistrale:job:run_again"
