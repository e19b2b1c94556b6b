"""Settings with which the log could not be signed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from audit import checkpoint


def check_audit_keys(**_: Any) -> list[CheckMessage]:
    try:
        checkpoint.read_keys(settings.AUDIT_KEYS)
    except checkpoint.KeyFormatError as error:
        hint = "Use what `openssl rand -base64 32` prints, several separated by commas."
        return [Error(f"AISTRALE_AUDIT_KEY is not right: {error}.", hint=hint, id="audit.E001")]
    return []
