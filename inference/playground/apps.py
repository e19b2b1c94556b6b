from django.apps import AppConfig


class PlaygroundConfig(AppConfig):
    name = "inference.playground"
    label = "playground"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from inference.playground import personal
        from inference.playground.as_prompt import prefill_from
        from prompts.pages import prefill

        register(personal.HANDLER)
        prefill.sources.append(prefill_from)
