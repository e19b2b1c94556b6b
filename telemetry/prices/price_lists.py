"""Price lists that are newer than the one that AISTRALE came with: stored once, used by every process."""

from __future__ import annotations

import gzip
import json
import time
from hashlib import sha256
from typing import Any

from django.db import transaction
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import _providers_from_raw

from accounts.models import User
from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.prices.models import PriceList
from telemetry.pricing import use_price_list

SECONDS_BETWEEN_LOOKS = 60.0
LARGEST_FILE = 50_000_000
_state: dict[str, Any] = {"key": None, "looked_at": 0.0}


class PriceListRefused(Exception):
    """The file is no price list of genai-prices; says why."""


def snapshot_of(content: bytes) -> DataSnapshot:
    """Of the file ``prices/data.json`` of genai-prices. Raises PriceListRefused."""
    try:
        providers = _providers_from_raw(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PriceListRefused(f"This is no price list of genai-prices: {str(error)[:200]}") from error
    if not any(provider.models for provider in providers):
        raise PriceListRefused("This price list has no models.")
    return DataSnapshot(providers, from_auto_update=False)


@transaction.atomic
def add_price_list(*, content: bytes, actor: User | None = None) -> tuple[PriceList, bool]:
    """The stored list, and whether it is new. Raises PriceListRefused."""
    snapshot_of(content)
    digest = sha256(content).hexdigest()
    if known := PriceList.objects.filter(digest=digest).first():
        return known, False
    stored = PriceList.objects.create(
        name=f"genai-prices {digest[:12]}", digest=digest, content=gzip.compress(content, mtime=0)
    )
    after = {"name": stored.name, "digest": digest}
    record(action=TelemetryAction.PRICES_UPDATE, actor=actor, target=stored, after=after)
    return stored, True


def refresh(*, at_once: bool = False) -> None:
    """Use the newest list that is stored; whether there is one is looked up once a minute."""
    now = time.monotonic()
    if not at_once and _state["looked_at"] and now - _state["looked_at"] < SECONDS_BETWEEN_LOOKS:
        return
    _state["looked_at"] = now
    key = PriceList.objects.values_list("pk", flat=True).first()
    if key == _state["key"]:
        return
    stored = PriceList.objects.get(pk=key) if key else None
    use_price_list(snapshot_of(gzip.decompress(stored.content)), stored.name) if stored else use_price_list(None)
    _state["key"] = key
