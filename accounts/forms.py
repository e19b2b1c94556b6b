"""Forms of the first administrator's set-up, the theme and the checklist, and to confirm a deletion by a name."""

from __future__ import annotations

from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts.models import Theme, User


class SetupForm(forms.Form):
    name = forms.CharField(max_length=100, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}))
    email = forms.EmailField(label="Email", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Not a common password, your name or your email.",
    )
    repeated = forms.CharField(
        label="Confirm password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    # Filled in by the browser.
    time_zone = forms.CharField(required=False, max_length=50, widget=forms.HiddenInput)

    def account(self) -> dict[str, str]:
        """Name, email, password and time zone of the new user; for a valid form."""
        return {name: str(self.cleaned_data[name]) for name in ("name", "email", "password", "time_zone")}

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"])
        return zone if zone in available_timezones() else "UTC"

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exists():
            raise ValidationError("A user with this email address already exists.")
        return email

    def clean(self) -> None:
        name, email, password, repeated = map(self.cleaned_data.get, ("name", "email", "password", "repeated"))
        if password and repeated and password != repeated:
            self.add_error("repeated", "The passwords do not match.")
        if not password:
            return
        try:
            validate_password(password, User(name=name or "", email=email or ""))
        except ValidationError as error:
            self.add_error("password", error)


class NameForm(forms.Form):
    """The name of what is going to be deleted, typed to confirm it."""

    name = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, data: QueryDict | None, *, expected: str, label: str = "") -> None:
        super().__init__(data)
        self.fields["name"].label = label or f"Type “{expected}” to confirm"
        self._expected = expected

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name != self._expected.strip():
            raise ValidationError(f"The name does not match. Type “{self._expected}”.")
        return name


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=Theme.choices)


class ChecklistForm(forms.Form):
    shown = forms.BooleanField(required=False)
