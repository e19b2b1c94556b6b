"""Forms of the token pages. A secret goes in and never comes back out: the widget does not render its value."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import User
from accounts.providers import keyed_choices
from accounts.sharing import PRIVATE, Audience, AudienceField, audiences_for, with_current
from tokens.base_urls import BaseUrlRefused
from tokens.models import ProviderToken
from tokens.secrets import MAX_LENGTH, SecretRefused, clean_secret
from tokens.services import allowed_base_url


class SecretField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        # Browsers offer to store a password; "off" alone they ignore.
        attrs = {"autocomplete": "new-password", "spellcheck": "false"}
        super().__init__(widget=forms.PasswordInput(attrs=attrs), max_length=MAX_LENGTH, strip=False, **kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text and not self.required:
            return ""
        try:
            return clean_secret(text)
        except SecretRefused as error:
            raise ValidationError(str(error)) from error


class BaseUrlField(forms.CharField):
    def clean(self, value: Any) -> str:
        try:
            return allowed_base_url(str(super().clean(value)))
        except BaseUrlRefused as error:
            raise ValidationError(str(error)) from error


class ReplaceForm(forms.Form):
    secret = SecretField(label="New secret", help_text="It is sealed at once and never shown again.")


class DetailsForm(forms.Form):
    """What a token has besides its secret. Only administrators set a base URL, and share with everyone."""

    label = forms.CharField(label="Name", max_length=80, help_text="How you will know it, e.g. “Team budget”.")
    base_url = BaseUrlField(
        label="Base URL",
        max_length=300,
        required=False,
        help_text="For a compatible server of your own. Leave empty for the provider's.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )
    expires_at = forms.DateField(
        label="Expires",
        required=False,
        help_text="The date set at the provider, so that you are reminded.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, user: User, audiences: list[Audience], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_administrator:
            del self.fields["base_url"]
        if len(audiences) > 1:
            help_text = "They call the provider with it, at its owner's cost, and never see the secret."
            self.fields["audience"] = AudienceField(audiences, help_text=help_text)

    def clean_expires_at(self) -> datetime | None:
        """The end of that day, where the user is."""
        day: date | None = self.cleaned_data["expires_at"]
        return timezone.make_aware(datetime.combine(day, time.max)) if day else None


class AddForm(DetailsForm):
    provider = forms.ChoiceField(choices=keyed_choices)
    secret = SecretField(help_text="The key from the provider's console. It is sealed at once and never shown again.")

    field_order = ["provider", "label", "secret"]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        audiences = audiences_for(user, everyone=user.is_administrator)
        super().__init__(*args, user=user, audiences=audiences, **kwargs)


class EditForm(DetailsForm):
    secret = SecretField(required=False, help_text="Only for a new base URL: a stored secret is not sent elsewhere.")

    field_order = ["label", "base_url", "secret"]

    def __init__(self, *args: Any, token: ProviderToken, user: User, **kwargs: Any) -> None:
        expires = timezone.localtime(token.expires_at).date() if token.expires_at else None
        initial = {
            "label": token.label,
            "base_url": token.base_url,
            "audience": token.audience.key,
            "expires_at": expires,
        }
        super().__init__(*args, user=user, audiences=_audiences(token, user), initial=initial, **kwargs)
        self.token = token
        if not user.is_administrator:
            del self.fields["secret"]

    def clean(self) -> dict[str, Any]:
        """All values of ``services.update_token``; what the user may not change stays as it is."""
        unchanged = {"base_url": self.token.base_url, "audience": self.token.audience, "secret": ""}
        data = unchanged | self.cleaned_data
        if data["base_url"] != self.token.base_url and not data["secret"] and "secret" not in self.errors:
            self.add_error("secret", "Enter the secret again, since the base URL changes.")
        return data


def _audiences(token: ProviderToken, user: User) -> list[Audience]:
    """Of somebody else's token an administrator can only take back that it is shared."""
    own = audiences_for(user, everyone=user.is_administrator)
    return with_current(own if token.owner == user else [PRIVATE], token.audience)


class DeleteForm(forms.Form):
    name = forms.CharField(label="Type its name", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, token: ProviderToken, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.token = token

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name != self.token.label.strip():
            raise ValidationError(f"This is not its name. Type “{self.token.label}”.")
        return name
