from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "inference.search"
    label = "search"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from inference.search import personal
        from inference.search.indexing import forget_dropped
        from telemetry import retention

        register(personal.HANDLER)
        retention.also_forget.append(forget_dropped)
