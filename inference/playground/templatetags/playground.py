"""Filters of the playground's templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.template import Library

register = Library()


@register.filter
def of(values: Mapping[Any, Any], key: Any) -> Any:
    return values.get(key, "")


@register.filter
def first_of_sorted(values: Sequence[Any]) -> Any:
    return min(values)


@register.filter
def last_of_sorted(values: Sequence[Any]) -> Any:
    return max(values)
