"""For the templates of calls."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.template import Library

register = Library()


@register.filter
def entry(entries: Mapping[UUID, str], key: UUID) -> str:
    """That of the key; nothing where there is none."""
    return entries.get(key, "")
