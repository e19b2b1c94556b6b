from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from prompts import services as prompts
        from webhooks import personal, services

        register(personal.HANDLER)
        # What prompts need of this app.
        prompts.label_moved = services.queue_move
