from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.core.checks import Tags, register

from aistrale import checks, logs, request_log


class AistraleConfig(AppConfig):
    name = "aistrale"

    def ready(self) -> None:
        logs.configure_structlog()
        request_log.connect()
        register(checks.check_production, Tags.security)
        # Only now can models be imported.
        import_module("aistrale.metrics").register()
