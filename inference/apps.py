from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from accounts.profile import forms as profile
        from inference import personal
        from inference.chat.picker.defaults import known_models
        from inference.conversations.as_prompt import prefill_from
        from inference.conversations.with_prompt import conversations_of_prompt
        from inference.providers.key_check import check_key
        from inference.rendering import markdown
        from prompts import callers, figures, prices
        from prompts.pages import prefill
        from telemetry.call_page import hooks
        from telemetry.services import figures_by_version, input_cost, spent_by_token, users_of_prompt
        from tokens import checks, spending

        register(personal.HANDLER)
        # What the apps below need of each other, and of this one.
        checks.ask_provider = check_key
        spending.spent_by_token = spent_by_token
        prices.input_cost = input_cost
        profile.known_models = known_models
        prefill.sources.append(prefill_from)
        figures.figures_by_version = figures_by_version
        callers.users_of_prompt, callers.conversations_of_prompt = users_of_prompt, conversations_of_prompt
        hooks.answer_html, hooks.question_html = markdown.render, markdown.render_question
