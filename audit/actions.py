"""What is recorded: each app declares its kinds of actions in its own ``actions.py``."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    SUCCESS = "success"
    DENIED = "denied"
    FAILED = "failed"


class Action(StrEnum):
    """The base of each app's actions, as ``app:subject:verb``.

    A name stays what it is for ever: entries that carry it can not be rewritten.
    """


class AuditAction(Action):
    AUDIT_EXPORT = "audit:log:export"
    DETAILS_ERASE = "audit:details:erase"


def actions() -> list[Action]:
    """Those of all installed apps, in the order of their names."""
    return sorted(action for declared in Action.__subclasses__() for action in declared)
