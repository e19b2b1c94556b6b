"""What provider keys have cost. Calls are in another app: whoever knows both sets ``spent_by_token`` at the start."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from django.utils import timezone


class Spend(Protocol):
    """``unpriced``: calls whose price is not known, so that they are not in the sum."""

    @property
    def usd(self) -> Decimal: ...
    @property
    def unpriced(self) -> int: ...


class Spending(Protocol):
    def __call__(self, token_ids: Collection[UUID], *, since: datetime) -> Mapping[UUID, Spend]: ...


def _none_spent(token_ids: Collection[UUID], *, since: datetime) -> Mapping[UUID, Spend]:
    return {}


spent_by_token: Spending = _none_spent


def spent_this_month(token_ids: Collection[UUID]) -> Mapping[UUID, Spend]:
    """By token, since the month began in the time zone of the user; none for those that were not used."""
    start = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return spent_by_token(token_ids, since=start)
