from __future__ import annotations

from audit.actions import Action


class PlaygroundAction(Action):
    PLAYGROUND_SHARE = "playground:playground:share"
    PLAYGROUND_DELETE = "playground:playground:delete"
