"""Forms of the people page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import QueryDict

from accounts.forms import SetupForm
from accounts.models import Invitation, Role, User
from accounts.people.invitations import open_invitations
from listing.forms import SearchFilter

if TYPE_CHECKING:
    from django.db.models import QuerySet


class PeopleFilter(SearchFilter):
    searched = ("name", "email")
    lookups = {"role": "role", "state": "is_active"}

    role = forms.ChoiceField(required=False, choices=[("", "Any"), *Role.choices])
    state = forms.TypedChoiceField(
        required=False,
        choices=[("", "Any"), ("active", "Active"), ("inactive", "Deactivated")],
        coerce=lambda state: state == "active",
    )

    def invitations(self) -> QuerySet[Invitation]:
        """The open ones, unless people are told apart by what only an account has."""
        if self.is_valid() and self.cleaned_data["state"] != "":
            return Invitation.objects.none()
        return self.narrow(open_invitations().select_related("invited_by"))


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    name = forms.CharField(max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.TypedChoiceField(choices=Role.choices, coerce=Role, initial=Role.ENGINEER)


class AcceptForm(SetupForm):
    """The address is the invitation's, whatever is sent."""

    def __init__(self, data: QueryDict | None, *, invitation: Invitation) -> None:
        super().__init__(data, initial={"name": invitation.name})
        self._email = invitation.email
        del self.fields["email"]

    def clean(self) -> None:
        self.cleaned_data["email"] = self._email
        super().clean()


class EraseForm(forms.Form):
    email = forms.CharField(
        max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True})
    )

    def __init__(self, data: QueryDict | None, *, user: User) -> None:
        super().__init__(data)
        self._user = user
        self.fields["email"].label = f"Type {user.email} to confirm"

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if email != self._user.email:
            raise forms.ValidationError(f"Enter {self._user.email} to confirm.")
        return email
