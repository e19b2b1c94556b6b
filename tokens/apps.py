from django.apps import AppConfig
from django.db.models.signals import post_delete


class TokensConfig(AppConfig):
    name = "tokens"

    def ready(self) -> None:
        from accounts.personal_data.registry import register
        from tokens import factors, personal

        register(personal.HANDLER)
        post_delete.connect(factors.forget_secret, sender="mfa.Authenticator")
