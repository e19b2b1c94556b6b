"""A changed setting leaves one entry, at the next start."""

from __future__ import annotations

import pytest

from aistrale.actions import SystemAction
from aistrale.effective import EffectiveSetting, record_changes
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db

PORT = EffectiveSetting("PORT", "8000", "default")
LEVEL = EffectiveSetting("AISTRALE_LOG_LEVEL", "DEBUG", "environment")
KEY = EffectiveSetting("SECRET_KEY", "set, not shown", "file var/secret_key")


def entries() -> list[tuple[list[str], list[str]]]:
    events = AuditEvent.objects.filter(action=SystemAction.SETTING_CHANGE).order_by("sequence")
    return [(event.before["settings"], event.after["settings"]) for event in events]


def test_it_records_what_is_not_a_default() -> None:
    record_changes([PORT, LEVEL, KEY])
    assert entries() == [
        ([], ["AISTRALE_LOG_LEVEL: DEBUG (environment)", "SECRET_KEY: set, not shown (file var/secret_key)"])
    ]


def test_it_records_only_changes() -> None:
    for settings in ([LEVEL], [LEVEL], [PORT, LEVEL], [PORT]):
        record_changes(settings)
    assert entries() == [
        ([], ["AISTRALE_LOG_LEVEL: DEBUG (environment)"]),
        (["AISTRALE_LOG_LEVEL: DEBUG (environment)"], []),
    ]


def test_it_records_nothing_while_all_is_default() -> None:
    record_changes([PORT])
    assert entries() == []
