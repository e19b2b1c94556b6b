from __future__ import annotations

from audit.actions import Action


class SystemAction(Action):
    SETTING_CHANGE = "aistrale:setting:change", "started with changed settings"
    JOB_RUN_AGAIN = "aistrale:job:run_again", "ran a background job again[: {task}]"
