from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "telemetry"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from telemetry import personal

        register(personal.HANDLER)
