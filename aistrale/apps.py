from __future__ import annotations

import django_stubs_ext
from django.apps import AppConfig
from django.core.checks import Tags, register

from aistrale import checks, logs, request_log

# So that `ModelForm[User]` also works when it is run. Before the apps' modules, which say such things, are imported.
django_stubs_ext.monkeypatch()


class AistraleConfig(AppConfig):
    name = "aistrale"

    def ready(self) -> None:
        logs.configure_structlog()
        request_log.connect()
        register(checks.check_production, Tags.security)
        # What the apps below need of this one.
        from webhooks import sending

        sending.redact = logs.redact_text
