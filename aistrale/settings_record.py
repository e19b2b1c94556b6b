"""Settings come from the environment, where nobody sees them change: each start of the server records what is new."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from aistrale.actions import SystemAction
from aistrale.effective import EffectiveSetting
from audit.models import AuditEvent
from audit.services import record


@transaction.atomic
def record_changes(effective: Iterable[EffectiveSetting]) -> None:
    """Records the settings that differ from their defaults, where they are not those recorded last."""
    changed = [setting for setting in effective if not setting.is_default]
    settings = [f"{setting.name}: {setting.value} ({setting.origin})" for setting in changed]
    last = AuditEvent.objects.filter(action=SystemAction.SETTING_CHANGE).order_by("sequence").last()
    known = last.after["settings"] if last else []
    if settings != known:
        record(action=SystemAction.SETTING_CHANGE, actor=None, before={"settings": known}, after={"settings": settings})
