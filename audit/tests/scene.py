"""What each app declares to the test of audit entries: its acts, in its ``tests/acts.py``.

``ACTS``: by a name, what somebody does and the actions that are recorded of it. ``prepare``: what there is before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.test import Client
from pytest_django import Settings

from accounts.models import User
from audit.actions import Action


@dataclass
class Scene:
    """Alice and the administrator, both at their browsers."""

    alice: User
    admin: User
    as_alice: Client
    as_admin: Client
    settings: Settings


Acts: TypeAlias = Mapping[str, tuple[Callable[[Scene], object], Sequence[Action]]]
