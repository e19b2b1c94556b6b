from django.apps import AppConfig


class PromptsConfig(AppConfig):
    name = "prompts"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from prompts import personal

        register(personal.HANDLER)
