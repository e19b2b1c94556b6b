"""A call's attempts and receipt, from the stored JSON to what a page shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from telemetry.models import Generation
from telemetry.pricing import CACHE_WRITE_1H, OVERRIDE, PARTS, REPORTED, SANDBOX

CLASS_NAMES = {
    "input": "Input",
    "cache_read": "Cache read",
    "cache_write": "Cache write",
    CACHE_WRITE_1H: "Cache write, 1 h",
    "input_audio": "Input, audio",
    "input_image": "Input, images",
    "input_video": "Input, video",
    "cache_read_audio": "Cache read, audio",
    "cache_read_image": "Cache read, images",
    "output_audio": "Output, audio",
    "output_image": "Output, images",
    "web_searches": "Web searches",
    "requests": "Request fee",
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
    """One try; ``offset`` are the seconds from the start of the call, ``wait`` those until the next try.

    ``connect``: seconds until it had a connection, where that was measured; ``retry_after`` as the provider asked.
    """

    offset: float
    seconds: float
    error_type: str
    status: int | None
    message: str
    wait: float | None
    connect: float | None = None
    retry_after: float | None = None

    @property
    def end(self) -> float:
        return self.offset + self.seconds


@dataclass(frozen=True, slots=True)
class ReceiptViewLine:
    """Amounts are exact: US dollars, for ``unit_price`` per million tokens."""

    name: str
    tokens: int
    unit_price: str
    amount: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """``earlier``: what the call has cost before it was priced anew, and until when; '' where it was unpriced."""

    lines: list[ReceiptViewLine]
    total: str
    source: str
    price_date: date | None
    service_tier: str = ""
    earlier: list[tuple[str, datetime]] = field(default_factory=list)


def usage_of(generation: Generation) -> list[tuple[str, int]]:
    """Tokens by class, of those that were used."""
    counts = {name: getattr(generation, f"{name}_tokens") for name in PARTS}
    return [(CLASS_NAMES[name], count) for name, count in counts.items() if count]


def attempts_of(generation: Generation) -> list[Attempt]:
    return [
        Attempt(
            offset=(datetime.fromisoformat(attempt["started_at"]) - generation.started_at).total_seconds(),
            seconds=attempt["seconds"],
            error_type=attempt.get("error_type", ""),
            status=attempt.get("status"),
            message=attempt.get("message", ""),
            wait=attempt.get("wait_seconds"),
            connect=attempt.get("connect_seconds"),
            retry_after=attempt.get("retry_after"),
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
        service_tier=receipt.get("service_tier", ""),
        earlier=[
            (exact_dollars(Decimal(one["total"])) if one["total"] else "", datetime.fromisoformat(one["replaced_at"]))
            for one in receipt.get("earlier", [])
        ],
    )


def exact_dollars(value: Decimal) -> str:
    """All digits there are, and at least two after the point, so that a column can be added up."""
    whole, _, decimals = f"{value:,f}".partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"
