from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from prompts import services as prompts
        from telemetry.costs import alerts
        from webhooks import personal, services

        register(personal.HANDLER)
        # What prompts and budgets need of this app.
        prompts.label_moved = services.queue_move
        alerts.also_tell.append(services.queue_alert)
