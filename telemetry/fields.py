"""Fields of the models of this app."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from telemetry.call_ids import new_call_id


class CallIdField(models.UUIDField[str | UUID, UUID]):
    """The key of a call, made from when it started."""

    def get_pk_value_on_save(self, instance: Any) -> UUID:
        return new_call_id(instance.started_at)
