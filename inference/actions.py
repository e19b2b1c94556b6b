from __future__ import annotations

from audit.actions import ROUTINE, Action


class InferenceAction(Action):
    RUN_START = "inference:run:start", "called {model}[ at {provider}]", ROUTINE
    RUN_STOP = "inference:run:stop", "stopped a call of {target}", ROUTINE
    CONVERSATION_SHARE = "inference:conversation:share", "shared conversation {target}[ with {visibility}]"
    CONVERSATION_COPY = "inference:conversation:copy", "duplicated conversation {target}"
    MODEL_FAVOURITE = "inference:model:favourite", "changed favourite model {target}", ROUTINE
    PRESET_SAVE = "inference:preset:save", "saved parameter preset {target}", ROUTINE
    PRESET_DELETE = "inference:preset:delete", "deleted parameter preset {target}", ROUTINE
    CONVERSATION_DELETE = "inference:conversation:delete", "deleted conversation {target}"
    CONVERSATION_RESTORE = "inference:conversation:restore", "restored conversation {target}"
    CONVERSATION_EXPORT = "inference:conversation:export", "exported conversation {target}[ as {format}]"
