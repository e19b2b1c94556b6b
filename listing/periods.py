"""The years, months or days in which a large table has rows."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone

M = TypeVar("M", bound=models.Model)


class PeriodsByIndex(models.QuerySet[M]):
    def datetimes(self, field_name: str, kind: str, order: str = "ASC", tzinfo: tzinfo | None = None) -> Any:
        """The starts of its years, months or days (``kind``), each found by one look into the index of the field.

        Django's own, which the date hierarchy of an admin list asks, reads every row.
        """
        found: list[datetime] = []
        rows = self.order_by(field_name).values_list(field_name, flat=True)
        moment = rows.first()
        while moment is not None:
            day = timezone.localtime(moment, tzinfo).date()
            found.append(_midnight(_first_day(day, kind), tzinfo))
            moment = rows.filter(**{f"{field_name}__gte": _midnight(_next_first_day(day, kind), tzinfo)}).first()
        return found if order == "ASC" else found[::-1]


def _first_day(day: date, kind: str) -> date:
    return {"year": day.replace(month=1, day=1), "month": day.replace(day=1), "day": day}[kind]


def _next_first_day(day: date, kind: str) -> date:
    longest = {"year": 366, "month": 31, "day": 1}[kind]
    return _first_day(_first_day(day, kind) + timedelta(longest), kind)


def _midnight(day: date, tzinfo: tzinfo | None) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), tzinfo)
