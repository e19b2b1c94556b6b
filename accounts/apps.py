from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import session_services

        user_logged_in.connect(session_services.begin_session)
        user_logged_out.connect(session_services.forget_session)
