"""Narrowing down the list of provider keys."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from accounts.models import User
from accounts.providers import label_of
from accounts.shared_filters import OwnerFilter
from listing.forms import SearchFilter
from tokens.checks import TokenState
from tokens.models import ProviderToken


class TokenFilter(OwnerFilter, SearchFilter):
    """The state is asked of each row (``has_state``): that of a key that cannot be decrypted is stored nowhere."""

    searched = ("label",)
    lookups = {"provider": "provider"}

    provider = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False, choices=[("", "Any"), *TokenState.choices])

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data, user=user)
        names = ProviderToken.objects.visible_to(user).order_by().values_list("provider", flat=True).distinct()
        choices = sorted((label_of(name), name) for name in names)
        field: forms.Field = self.fields["provider"]
        field.choices = [("", "Any"), *((name, label) for label, name in choices)]  # type: ignore[attr-defined]

    def has_state(self, state: TokenState) -> bool:
        """Only for a valid form."""
        return self.cleaned_data["state"] in ("", state)
