from __future__ import annotations

from importlib import import_module

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
        # Only now can models be imported.
        import_module("aistrale.metrics").register()
        # What the apps below need of this one.
        from webhooks import sending

        sending.redact = logs.redact_text
