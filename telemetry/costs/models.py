"""What may be spent in a month."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Team


class Budget(models.Model):
    """Of a team, or of everyone together where ``team`` is empty. It is shown; it stops no call."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="budget")
    monthly_usd = models.DecimalField("USD per month", max_digits=12, decimal_places=2)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(monthly_usd__gt=0), name="budget_is_positive"),
            models.UniqueConstraint(
                fields=["team"], condition=Q(team__isnull=True), nulls_distinct=False, name="one_budget_of_everyone"
            ),
        ]

    def __str__(self) -> str:
        return f"${self.monthly_usd} a month for {self.team or 'everyone'}"


class BudgetAlert(models.Model):
    """A share of a budget was spent in a month: told once, and anew where the budget is changed."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="alerts")
    month = models.DateField(help_text="Its first day.")
    percent = models.PositiveSmallIntegerField()
    monthly_usd = models.DecimalField(max_digits=12, decimal_places=2, help_text="The budget then.")
    spent_usd = models.DecimalField(max_digits=24, decimal_places=12)
    reached_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["reached_at", "percent"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["budget", "month", "percent", "monthly_usd"], name="a_share_of_a_budget_is_told_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent}% of {self.budget}"
