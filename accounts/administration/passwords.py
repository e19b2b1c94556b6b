"""What administrators see of a password: whether there is one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import ReadOnlyPasswordHashField, ReadOnlyPasswordHashWidget, UserChangeForm
from django.contrib.auth.hashers import is_password_usable

from accounts.models import User


class PasswordState(ReadOnlyPasswordHashWidget):
    """Django's own shows the beginnings of salt and hash."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        label = "Has a password" if is_password_usable(value) else "Has no password"
        return context | {"summary": [{"label": label}]}


class PersonForm(UserChangeForm[User]):
    password = ReadOnlyPasswordHashField(label="Password", widget=PasswordState)
