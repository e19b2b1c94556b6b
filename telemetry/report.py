"""A call's attempts and receipt, from the stored JSON to what a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from telemetry.models import Generation
from telemetry.pricing import OVERRIDE, REPORTED, SANDBOX

CLASS_NAMES = {
    "input": "Input",
    "cache_read": "Input read from cache",
    "cache_write": "Input written to cache",
    "cache_write_1h": "Input written to cache for an hour",
    "output": "Output",
    "reasoning": "Reasoning",
}
SOURCE_NAMES = {
    REPORTED: "the cost reported by the provider",
    OVERRIDE: "a price set by an administrator",
    SANDBOX: "the sandbox, which is free",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try; ``offset`` are the seconds from the start of the call, ``wait`` those until the next try."""

    offset: float
    seconds: float
    error_type: str
    status: int | None
    message: str
    wait: float | None


@dataclass(frozen=True, slots=True)
class ReceiptViewLine:
    """Amounts are exact: US dollars, for ``unit_price`` per million tokens."""

    name: str
    tokens: int
    unit_price: str
    amount: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    lines: list[ReceiptViewLine]
    total: str
    source: str
    price_date: date | None


def attempts_of(generation: Generation) -> list[Attempt]:
    return [
        Attempt(
            offset=(datetime.fromisoformat(attempt["started_at"]) - generation.started_at).total_seconds(),
            seconds=attempt["seconds"],
            error_type=attempt.get("error_type", ""),
            status=attempt.get("status"),
            message=attempt.get("message", ""),
            wait=attempt.get("wait_seconds"),
        )
        for attempt in generation.attempts
    ]


def receipt_view(generation: Generation) -> ReceiptView | None:
    receipt = generation.receipt
    if receipt is None:
        return None
    lines = [
        ReceiptViewLine(
            name=CLASS_NAMES[line["usage_class"]],
            tokens=line["tokens"],
            unit_price=exact_dollars(Decimal(line["unit_price"])),
            amount=exact_dollars(Decimal(line["amount"])),
        )
        for line in receipt["lines"]
    ]
    return ReceiptView(
        lines=lines,
        total=exact_dollars(Decimal(receipt["total"])),
        source=SOURCE_NAMES.get(receipt["source"], f"the price list {receipt['source']}"),
        price_date=date.fromisoformat(receipt["price_date"]) if receipt["price_date"] else None,
    )


def exact_dollars(value: Decimal) -> str:
    """All digits there are, and at least two after the point, so that a column can be added up."""
    whole, _, decimals = f"{value:,f}".partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"
