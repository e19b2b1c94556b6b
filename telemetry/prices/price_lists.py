"""Price lists that are newer than the one that AISTRALE came with: stored once, used by every process."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256

import structlog
from django.db import transaction
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import _providers_from_raw

from accounts.models import User
from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.prices.models import PriceList
from telemetry.pricing import use_price_list

log = structlog.get_logger(__name__)

LARGEST_FILE = 50_000_000
_used: dict[str, int | None] = {"key": None}


class PriceListRefused(Exception):
    """The file is no price list of genai-prices; says why."""


def snapshot_of(content: bytes) -> DataSnapshot:
    """Of the file ``prices/data.json`` of genai-prices. Raises PriceListRefused."""
    try:
        providers = _providers_from_raw(json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PriceListRefused(f"Not a genai-prices price list: {str(error)[:200]}") from error
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


def refresh() -> None:
    """Use the newest list that is stored, if this process does not already. Each process asks once a minute."""
    key = PriceList.objects.values_list("pk", flat=True).first()
    if key == _used["key"]:
        return
    _used["key"] = key
    stored = PriceList.objects.get(pk=key) if key else None
    try:
        use_price_list(snapshot_of(gzip.decompress(stored.content)), stored.name) if stored else use_price_list(None)
    except PriceListRefused as refused:
        # Stored for another version of genai-prices: the list that came with this one is used.
        log.error("price_list_unreadable", name=stored.name if stored else "", reason=str(refused))
