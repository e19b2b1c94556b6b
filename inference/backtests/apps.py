from django.apps import AppConfig


class BacktestsConfig(AppConfig):
    name = "inference.backtests"
    label = "backtests"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from inference.backtests import personal

        register(personal.HANDLER)
