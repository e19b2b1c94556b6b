from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from allauth.mfa import signals

        from accounts import personal
        from accounts.login import mfa
        from accounts.personal_data import registry
        from accounts.sessions import services as session_services

        registry.register(personal.HANDLER)
        user_logged_in.connect(session_services.begin_session)
        user_logged_out.connect(session_services.forget_session)
        post_save.connect(mfa.record_added, sender="mfa.Authenticator")
        signals.authenticator_removed.connect(mfa.record_removed)
        signals.authenticator_used.connect(mfa.record_used)
        signals.authentication_failed.connect(mfa.record_failed)
