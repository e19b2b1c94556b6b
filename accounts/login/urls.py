"""The views of django-allauth in use, under the URL names that it looks up, at our own paths."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as allauth_passkeys
from django.db import transaction
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from accounts.login import passkeys, sso_views, views
from accounts.login.reauthentication import confirmed

security = [
    path("", mfa.index, name="mfa_index"),
    path("totp/", confirmed(totp.activate_totp), name="mfa_activate_totp"),
    # Where a change and its audit entry are two steps of django-allauth, they share one transaction here.
    path("totp/remove/", transaction.atomic(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("passkeys/add/", confirmed(passkeys.add), name="mfa_add_webauthn"),
    path("passkeys/<int:pk>/remove/", transaction.atomic(allauth_passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("passkeys/<int:pk>/rename/", allauth_passkeys.edit_webauthn, name="mfa_edit_webauthn"),
]

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("login/code/", mfa.authenticate, name="mfa_authenticate"),
    path("login/passkey/", passkeys.login, name="mfa_login_webauthn"),
    path("logout/", account.logout, name="account_logout"),
    path("password/", views.password_change, name="account_change_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("account/confirm/", views.confirm, name="account_reauthenticate"),
    path("account/confirm/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("account/confirm/passkey/", passkeys.confirm, name="mfa_reauthenticate_webauthn"),
    path("account/confirm/sso/", sso_views.confirm, name="confirm_by_sso"),
    path("account/security/", include(security)),
    path("login/<str:provider_id>/", sso_views.login, name="openid_connect_login"),
    path("login/<str:provider_id>/callback/", sso_views.callback, name="openid_connect_callback"),
]
