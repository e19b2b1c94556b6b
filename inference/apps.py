from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from inference import personal

        register(personal.HANDLER)
