"""Aggregates of PostgreSQL that Django has no name for."""

from __future__ import annotations

from typing import Any

from django.db.models import Aggregate, FloatField
from django.db.models.expressions import Combinable


class Percentile(Aggregate):
    """The value below which ``fraction`` (0 to 1) of the values lie, interpolated. NULLs do not count."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: Combinable | str, *, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=float(fraction), output_field=FloatField(), **extra)
