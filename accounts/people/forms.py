"""Forms of the people page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.db.models import Q
from django.http import QueryDict

from accounts.forms import SetupForm
from accounts.models import Invitation, Role, User
from accounts.paging import Search
from accounts.people import listing
from accounts.people.invitations import open_invitations

if TYPE_CHECKING:
    from django.db.models import QuerySet


class PeopleFilter(Search):
    role = forms.ChoiceField(required=False, choices=[("", "Any"), *Role.choices])
    state = forms.ChoiceField(required=False, choices=[("", "Any"), ("active", "Active"), ("inactive", "Deactivated")])

    def users(self) -> QuerySet[User]:
        """None while the form has errors."""
        if not self.is_valid():
            return User.objects.none()
        users = listing.matching(self.cleaned_data["q"])
        if role := self.cleaned_data["role"]:
            users = users.filter(role=role)
        if state := self.cleaned_data["state"]:
            users = users.filter(is_active=state == "active")
        return users

    def invitations(self) -> QuerySet[Invitation]:
        """The open ones, on the first page and where people are not told apart by what only an account has."""
        if not self.is_valid() or self.number > 1 or self.cleaned_data["state"]:
            return Invitation.objects.none()
        found = open_invitations().select_related("invited_by")
        for word in self.cleaned_data["q"].split():
            found = found.filter(Q(name__icontains=word) | Q(email__icontains=word))
        role = self.cleaned_data["role"]
        return found.filter(role=role) if role else found


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class InviteForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address",
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
        self.fields["email"].label = f"To confirm, type {user.email}"

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if email != self._user.email:
            raise forms.ValidationError("This is another address.")
        return email
