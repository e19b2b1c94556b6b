"""Forms of the first administrator's set-up, the theme and the checklist."""

from __future__ import annotations

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import Theme, User


class SetupForm(forms.Form):
    name = forms.CharField(max_length=100, widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}))
    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters; not a common password, not your name or address.",
    )
    repeated = forms.CharField(
        label="Password, once more", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exists():
            raise ValidationError("This address is taken.")
        return email

    def clean(self) -> None:
        password, repeated = self.cleaned_data.get("password"), self.cleaned_data.get("repeated")
        if password and repeated and password != repeated:
            self.add_error("repeated", "The two passwords differ.")
        if not password:
            return
        try:
            validate_password(
                password, User(name=self.cleaned_data.get("name", ""), email=self.cleaned_data.get("email", ""))
            )
        except ValidationError as error:
            self.add_error("password", error)


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=Theme.choices)


class ChecklistForm(forms.Form):
    shown = forms.BooleanField(required=False)
