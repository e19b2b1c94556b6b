from django.apps import AppConfig


class PlaygroundConfig(AppConfig):
    name = "inference.playground"
    label = "playground"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from inference.playground import personal
        from inference.playground.as_prompt import prefill_from
        from inference.playground.sent_calls import curl_of
        from prompts.pages import prefill
        from telemetry.call_page import hooks

        register(personal.HANDLER)
        prefill.sources.append(prefill_from)
        hooks.curl_of = curl_of
