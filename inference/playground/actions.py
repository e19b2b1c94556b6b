from __future__ import annotations

from audit.actions import Action


class PlaygroundAction(Action):
    PLAYGROUND_SHARE = "playground:playground:share", "changed sharing of playground {target}[ to {visibility}]"
    PLAYGROUND_DELETE = "playground:playground:delete", "deleted playground {target}"
