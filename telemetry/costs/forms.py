"""Whose costs are shown, and what may be spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.http import QueryDict

from accounts.models import Membership, Team, User
from telemetry.costs.models import Budget
from telemetry.dashboard.window import SCOPES, users_of

if TYPE_CHECKING:
    from django.db.models import QuerySet


class ScopeForm(forms.Form):
    """Whatever is missing or wrong is as by default. Only administrators see the costs of others."""

    whose = forms.ChoiceField(required=False, choices=list(SCOPES.items()))
    team = forms.ModelChoiceField(Team.objects.none(), required=False)

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data)
        self.user = user
        if user.is_administrator:
            self.fields["team"].queryset = Team.objects.all()  # type: ignore[attr-defined]
        self.is_valid()

    @property
    def one_team(self) -> Team | None:
        """The one whose members' costs are shown alone."""
        return self.cleaned_data.get("team")

    @property
    def scope(self) -> str:
        return (self.cleaned_data.get("whose") or "mine") if self.user.is_administrator else "mine"

    def users(self) -> list[int] | None:
        """Keys of those whose calls are meant; None for everyone's."""
        if self.one_team:
            return list(Membership.objects.filter(team=self.one_team).values_list("user", flat=True))
        if self.scope == "everyone":
            return None
        users: QuerySet[User] = users_of(self.scope, self.user)
        return list(users.values_list("pk", flat=True))


class BudgetForm(forms.ModelForm[Budget]):
    """Empty takes the budget away."""

    monthly_usd = forms.DecimalField(
        required=False,
        label="USD per month",
        min_value=1,
        max_digits=12,
        decimal_places=2,
        help_text="Empty: no budget.",
    )

    class Meta:
        model = Budget
        fields: ClassVar[list[str]] = ["monthly_usd"]
