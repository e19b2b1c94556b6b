from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import autodiscover_modules

from audit import checkpoint


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        autodiscover_modules("actions")
        register(check_audit_keys, Tags.security)


def check_audit_keys(**_: Any) -> list[CheckMessage]:
    try:
        checkpoint.read_keys(settings.AUDIT_KEYS)
    except checkpoint.KeyFormatError as error:
        hint = "Use what `openssl rand -base64 32` prints, several separated by commas."
        return [Error(f"AISTRALE_AUDIT_KEY is not right: {error}.", hint=hint, id="audit.E001")]
    return []
