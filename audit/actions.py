"""What is recorded: each app declares its kinds of actions in its own ``actions.py``."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Outcome(StrEnum):
    SUCCESS = "success"
    DENIED = "denied"
    FAILED = "failed"


# Third of an action: it happens so often that pages fold its entries.
ROUTINE = True


class Action(StrEnum):
    """The base of each app's actions, as ``app:subject:verb`` and a sentence; see ``audit.sentences``.

    A name stays what it is for ever: entries that carry it can not be rewritten. A sentence can be reworded.
    """

    sentence: str
    is_routine: bool

    def __new__(cls, value: str, sentence: str = "", is_routine: bool = False) -> Self:
        action = str.__new__(cls, value)
        action._value_ = value
        action.sentence = sentence
        action.is_routine = is_routine
        return action


class AuditAction(Action):
    AUDIT_EXPORT = "audit:log:export", "exported the audit log[ as {format}]"
    DETAILS_ERASE = "audit:details:erase", "deleted personal details[ of {entries} entries]"


def actions() -> list[Action]:
    """Those of all installed apps, in the order of their names."""
    return sorted(action for declared in Action.__subclasses__() for action in declared)
