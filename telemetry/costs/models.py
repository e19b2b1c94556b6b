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
