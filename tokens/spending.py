"""What tokens have cost. The function that knows is named by ``settings.TOKEN_SPENDING``: calls are in another app."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string


class Spend(Protocol):
    """``unpriced``: calls whose price is not known, so that they are not in the sum."""

    @property
    def usd(self) -> Decimal: ...
    @property
    def unpriced(self) -> int: ...


class Spending(Protocol):
    def __call__(self, token_ids: Collection[UUID], *, since: datetime) -> Mapping[UUID, Spend]: ...


def spent_this_month(token_ids: Collection[UUID]) -> Mapping[UUID, Spend]:
    """By token, since the month began in the time zone of the user; none for those that were not used."""
    start = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    spending = cast(Spending, import_string(settings.TOKEN_SPENDING))
    return spending(token_ids, since=start)
