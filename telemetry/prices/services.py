"""Setting prices, and when models retire. Each change is audited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.prices.models import ModelRetirement, PriceOverride

PRICES = ("input_price", "cache_read_price", "cache_write_price", "output_price")
_TOLD = ("provider", "model", "valid_from", "valid_until", *PRICES)


class PriceTaken(Exception):
    """There is a price of the model from the same moment on."""


def set_price(*, provider: str, model: str, valid_from: datetime, prices: Mapping[str, Decimal], actor: User) -> None:
    """From ``valid_from`` on. ``prices``: USD per million tokens, by ``PRICES``. Raises PriceTaken."""
    with _taken(), transaction.atomic():
        price = PriceOverride(provider=provider, model=model, valid_from=valid_from, **prices)
        price.save()
        record(action=TelemetryAction.PRICE_CREATE, actor=actor, target=price, after=_told(price))


def change_price(*, price: PriceOverride, valid_from: datetime, prices: Mapping[str, Decimal], actor: User) -> None:
    """Raises PriceTaken."""
    with _taken(), transaction.atomic():
        price = PriceOverride.objects.select_for_update().get(pk=price.pk)
        _change(price, actor, valid_from=valid_from, **prices)


@transaction.atomic
def end_price(*, price: PriceOverride, actor: User) -> None:
    """From now on, the price list holds again. One that has not begun yet never will."""
    price = PriceOverride.objects.select_for_update().get(pk=price.pk)
    now = timezone.now()
    if price.valid_until is None or price.valid_until > now:
        _change(price, actor, valid_until=max(now, price.valid_from))


def _change(price: PriceOverride, actor: User, **values: Any) -> None:
    before = _told(price)
    for name, value in values.items():
        setattr(price, name, value)
    price.save()
    if before != _told(price):
        record(action=TelemetryAction.PRICE_UPDATE, actor=actor, target=price, before=before, after=_told(price))


@contextmanager
def _taken() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "one_price_at_a_time" in str(error):
            raise PriceTaken from error
        raise


def _told(price: PriceOverride) -> dict[str, Any]:
    price.refresh_from_db()
    return {name: str(getattr(price, name)) for name in _TOLD}


@transaction.atomic
def set_retirement(
    *, provider: str, model: str, retires_on: date | None, replacement: str, actor: User
) -> ModelRetirement | None:
    """None as ``retires_on`` takes the entry away."""
    entry = ModelRetirement.objects.select_for_update().filter(provider=provider, model=model).first()
    before = _dates(entry) if entry else None
    if retires_on is None:
        if entry is not None:
            key = entry.pk
            entry.delete()
            entry.pk = key
            record(action=TelemetryAction.RETIREMENT_DELETE, actor=actor, target=entry, before=before)
        return None
    entry = entry or ModelRetirement(provider=provider, model=model)
    entry.retires_on, entry.replacement = retires_on, replacement
    if before != _dates(entry):
        entry.save()
        record(action=TelemetryAction.RETIREMENT_SET, actor=actor, target=entry, before=before, after=_dates(entry))
    return entry


def _dates(entry: ModelRetirement) -> dict[str, str]:
    return {name: str(getattr(entry, name)) for name in ("provider", "model", "retires_on", "replacement")}
