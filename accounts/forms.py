"""Forms of the account pages."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import Theme, User


class LoginForm(AllauthLoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password = self.fields["login"], self.fields["password"]
        login.label = "E-mail address"
        login.widget.attrs = {"type": "email", "autocomplete": "username", "autofocus": True}
        password.widget.attrs = {"autocomplete": "current-password"}


class ChangePasswordForm(AllauthChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder")


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
