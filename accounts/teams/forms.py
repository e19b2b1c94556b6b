"""Forms of the Teams page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team, User
from listing.forms import SearchFilter

# Offered while one types; anybody else can be typed wholly.
OFFERED = 200


class TeamSearch(SearchFilter):
    searched = ("name",)


class MemberSearch(SearchFilter):
    searched = ("user__name", "user__email")


class TeamForm(forms.ModelForm[Team]):
    class Meta:
        model = Team
        fields = ("name",)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if Team.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("A team with this name already exists.")
        return name


class MemberForm(forms.Form):
    email = forms.EmailField(label="Email", widget=forms.EmailInput(attrs={"list": "people", "autocomplete": "off"}))

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.others = User.objects.filter(is_active=True).exclude(teams=team).order_by("email")[:OFFERED]
        self.user = User()
        self._team = team

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        user = User.objects.filter(email=email, is_active=True).first()
        if user is None:
            raise ValidationError("No active user with this email address.")
        if self._team.memberships.filter(user=user).exists():
            raise ValidationError(f"{user.get_full_name()} is already in this team.")
        self.user = user
        return email
