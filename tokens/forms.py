"""Forms of provider keys. A secret goes in and never comes back out: the widget does not render its value."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import User
from accounts.providers import is_endpoint, keyed_choices, label_of
from accounts.sharing import PRIVATE, Audience, AudienceField, audiences_for, with_current
from tokens.base_urls import COMPATIBLE, PRESETS, BaseUrlRefused, Preset, clean_host
from tokens.models import ProviderToken
from tokens.secrets import MAX_LENGTH, SecretRefused, clean_secret
from tokens.services import allowed_base_url, endpoint_url

PASTE = "Paste the API key from the provider's console. It is encrypted on save and never shown again."


class SecretField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        # Browsers offer to store a password; "off" alone they ignore. htmx keeps the field itself, with what was typed
        # into it, when an error elsewhere brings the form back.
        attrs = {"autocomplete": "new-password", "spellcheck": "false", "hx-preserve": "true"}
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
    """With a word below it, while it is typed, on whether calls may go there."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.template_name = "tokens/_base_url_field.html"

    def clean(self, value: Any) -> str:
        try:
            return allowed_base_url(str(super().clean(value)))
        except BaseUrlRefused as error:
            raise ValidationError(str(error)) from error


class EndpointSelect(forms.Select):
    """Its options carry what a preset fills in."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        provider, _, key = str(value).partition(":")
        if preset := PRESETS.get(key):
            option["attrs"] |= {"data-base-url": preset.base_url, "data-name": preset.label}
        elif provider and not is_endpoint(provider):
            option["attrs"]["data-name"] = label_of(provider)
        if is_endpoint(provider):
            option["attrs"]["data-endpoint"] = True
        return option


class ReplaceForm(forms.Form):
    secret = SecretField(label="New key", help_text=PASTE)


class DetailsForm(forms.Form):
    """What a provider key has besides its secret. Only administrators set a base URL, and share with everyone."""

    label = forms.CharField(
        label="Name", max_length=80, help_text="A name to recognise it by, e.g. “Team budget” or “vLLM gpu-1”."
    )
    base_url = BaseUrlField(
        label="Base URL",
        max_length=300,
        required=False,
        help_text="Only for a self-hosted or compatible server. Leave empty to use the provider's API.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocomplete": "off"}),
    )
    expires_at = forms.DateField(
        label="Expires",
        required=False,
        help_text="Expiry date set at the provider. You will be reminded before it.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, user: User, audiences: list[Audience], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_administrator:
            del self.fields["base_url"]
        if len(audiences) > 1:
            help_text = "They can make calls billed to the owner. They never see the key."
            self.fields["audience"] = AudienceField(audiences, help_text=help_text)

    def clean_expires_at(self) -> datetime | None:
        """The end of that day, where the user is."""
        day: date | None = self.cleaned_data["expires_at"]
        return timezone.make_aware(datetime.combine(day, time.max)) if day else None


def endpoint_choices(*, may_set_url: bool) -> list[tuple[str, list[tuple[str, str]]]]:
    """Providers, and servers by preset as ``compatible:ollama``. Whoever sets no base URL is offered vendors only."""
    named = [choice for choice in keyed_choices() if not is_endpoint(choice[0])]
    presets = [
        (f"{COMPATIBLE}:{key}", preset.label) for key, preset in PRESETS.items() if may_set_url or preset.is_hosted
    ]
    other = [(COMPATIBLE, "Other server")] if may_set_url else []
    return [("Providers", named), ("OpenAI-compatible", [*presets, *other])]


class AddForm(DetailsForm):
    provider = forms.ChoiceField(widget=EndpointSelect)
    secret = SecretField(
        label="Key",
        help_text=f"{PASTE} Leave empty if the server asks for none.",
        error_messages={"required": "Enter the key."},
    )

    field_order = ["provider", "label", "base_url", "secret"]
    # Whether the key is required depends on the provider: the server says so, and keeps what was typed.
    use_required_attribute = False

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        audiences = audiences_for(user, everyone=user.is_administrator)
        super().__init__(*args, user=user, audiences=audiences, **kwargs)
        provider = cast("forms.ChoiceField", self.fields["provider"])
        provider.choices = endpoint_choices(may_set_url=user.is_administrator)
        chosen, _, key = str(self.data.get("provider", "")).partition(":")
        self.fields["secret"].required = _needs_key(chosen, PRESETS.get(key))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        provider, _, key = data.get("provider", "").partition(":")
        preset = PRESETS.get(key)
        if preset and not data.get("base_url") and "base_url" not in self.errors:
            data["base_url"] = preset.base_url
        self._check_url(data, provider)
        return data | {"provider": provider}

    def _check_url(self, data: dict[str, Any], provider: str) -> None:
        if not is_endpoint(provider) or "base_url" in self.errors:
            return
        try:
            data["base_url"] = endpoint_url(provider, data.get("base_url", ""))
        except BaseUrlRefused as error:
            self.add_error("base_url", str(error))


def _needs_key(provider: str, preset: Preset | None) -> bool:
    return preset.is_hosted if preset else not is_endpoint(provider)


class EditForm(DetailsForm):
    secret = SecretField(label="Key", required=False, help_text="Required when you change the base URL.")

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
        changes_url = data["base_url"] != self.token.base_url
        if changes_url and self.token.has_secret and not data["secret"] and "secret" not in self.errors:
            self.add_error("secret", "Enter the key again, since the base URL changes.")
        if not data["base_url"] and is_endpoint(self.token.provider) and "base_url" not in self.errors:
            self.add_error("base_url", "Enter the base URL of the server, such as http://localhost:11434/v1.")
        return data


def _audiences(token: ProviderToken, user: User) -> list[Audience]:
    """Of somebody else's token an administrator can only take back that it is shared."""
    own = audiences_for(user, everyone=user.is_administrator)
    return with_current(own if token.owner == user else [PRIVATE], token.audience)


class HostForm(forms.Form):
    host = forms.CharField(
        max_length=260,
        help_text="A host name or IP address, such as gpu-1.lan:8000. Without a port, all its ports are allowed.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}),
    )
    note = forms.CharField(required=False, max_length=200, help_text="What runs there, and who asked for it.")

    def clean_host(self) -> str:
        try:
            return clean_host(self.cleaned_data["host"])
        except BaseUrlRefused as error:
            raise ValidationError(str(error)) from error
