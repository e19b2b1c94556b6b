"""Seals the secrets of second factors, as provider tokens are sealed.

django-allauth keeps a factor as JSON, in which a rotation of keys could find nothing: there are no columns to count and
compare by. So the JSON holds the id of a ``FactorSecret``, whose sealed field is found in the model registry like any
other. Each is bound to its row and its owner.
"""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.login.mfa import MFAAdapter
from tokens import keyring
from tokens.envelope import EnvelopeError
from tokens.models import FactorSecret
from tokens.services import stamp_use

SECRET_FIELD = FactorSecret._meta.get_field("secret")
UNREADABLE = "This authenticator app no longer works. Use a passkey, or ask an administrator to reset two-factor."
# Where the JSON of a TOTP device and of recovery codes names its secret.
_NAMES = ("secret", "seed")


class SealedMFAAdapter(MFAAdapter):
    def encrypt(self, text: str) -> str:
        """Seals ``text`` for the user of the present request; returns the id to find it by."""
        row = FactorSecret(owner=context.request.user)
        with transaction.atomic():
            row.secret = keyring.seal(row, SECRET_FIELD, text, key=keyring.sealing_key())
            row.save()
        return str(row.pk)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises ValidationError, for the form in which the code was entered."""
        try:
            row = FactorSecret.objects.get(pk=encrypted_text)
            secret = keyring.open_field(row, SECRET_FIELD)
        except (EnvelopeError, FactorSecret.DoesNotExist) as error:
            raise ValidationError(UNREADABLE) from error
        stamp_use(row)
        return secret


def forget_secret(*, instance: Authenticator, **_: Any) -> None:
    """Receives Django's signal that a factor was deleted, however that came about."""
    FactorSecret.objects.filter(pk__in=[instance.data[name] for name in _NAMES if name in instance.data]).delete()
