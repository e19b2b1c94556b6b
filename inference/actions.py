from __future__ import annotations

from audit.actions import Action


class InferenceAction(Action):
    RUN_START = "inference:run:start"
    RUN_STOP = "inference:run:stop"
    CONVERSATION_SHARE = "inference:conversation:share"
    CONVERSATION_COPY = "inference:conversation:copy"
    CONVERSATION_DELETE = "inference:conversation:delete"
    CONVERSATION_RESTORE = "inference:conversation:restore"
    CONVERSATION_EXPORT = "inference:conversation:export"
