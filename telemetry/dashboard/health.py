"""Whether the providers answer: what their calls of the last hour say. Calls are never held back for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from accounts.providers import label_of
from telemetry.dashboard import numbers
from telemetry.endpoints import OWN_ENDPOINT
from telemetry.models import Generation, Status
from telemetry.rollups.coverage import Span
from telemetry.rollups.reading import Figures, Reader

if TYPE_CHECKING:
    from telemetry.dashboard.board import Links

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Shares of failed calls from which on a provider is noted, and from which on it counts as down.
NOTED, DOWN = 0.05, 0.5
# Of fewer calls, a share says little.
FEWEST = 3
MOST = 10


@dataclass(frozen=True, slots=True)
class Health:
    """``state``: good, caution, bad, or off where nothing was called in the last hour."""

    name: str
    endpoint: str
    state: str
    word: str
    note: str
    href: str


@dataclass(frozen=True, slots=True)
class LastFailure:
    """``next_try``: when the provider wants to be asked again, if that is still to come."""

    at: datetime
    title: str
    status: int | None
    next_try: datetime | None
    is_newest_call: bool


def health_of_providers(links: Links, reader: Reader, *, users: Collection[int] | None, now: datetime) -> list[Health]:
    """Of those that were called on the last day, by how much. ``reader`` reads the calls of the users."""
    day = reader.over(Span(now - DAY, now)).by(("provider", "base_url"), with_durations=False)
    called = sorted(day, key=lambda key: -day[key].calls)[:MOST]
    hour = Span(now - HOUR, now)
    figures = reader.over(hour).by(("provider", "base_url")) if called else {}
    return [_health(links, key, figures.get(key, Figures()), hour, users) for key in called if key[0] != "echo"]


def _health(links: Links, key: tuple[str, str], figures: Figures, hour: Span, users: Collection[int] | None) -> Health:
    provider, base_url = key
    failure = _last_failure(key, hour, users) if figures.failed else None
    state, word = _state(figures, failure)
    filters = {"provider": provider, "endpoint": base_url or OWN_ENDPOINT} | (
        {"status": Status.FAILED.value} if failure else {}
    )
    note = ", ".join(_note(figures, failure))
    return Health(label_of(provider), base_url, state, word, note, links.calls(hour, **filters))


def _state(figures: Figures, failure: LastFailure | None) -> tuple[str, str]:
    share = figures.failed_share
    if share is None:
        return "off", "Idle"
    if failure is None or share < NOTED:
        return "good", "Healthy"
    if not failure.is_newest_call:
        return "caution", "Recovering"
    return ("bad", "Failing") if share >= DOWN and figures.calls >= FEWEST else ("caution", "Degraded")


def _note(figures: Figures, failure: LastFailure | None) -> Iterator[str]:
    if not figures.calls:
        yield "no calls in the last hour"
    elif failure is None:
        p50 = figures.first_token_percentile(0.5)
        yield f"p50 {numbers.seconds(p50)} s to first token" if p50 is not None else f"{figures.calls:,} calls"
    else:
        yield f"{(figures.failed_share or 0) * 100:.1f}% of {figures.calls:,} failed"
        yield f"{failure.status or failure.title} at {_clock(failure.at)}"
        if failure.next_try:
            yield f"next try {_clock(failure.next_try)}"


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M:%S}"


def _last_failure(key: tuple[str, str], hour: Span, users: Collection[int] | None) -> LastFailure | None:
    provider, base_url = key
    calls = Generation.objects.between(hour.start, hour.end).filter(provider=provider, base_url=base_url)
    if users is not None:
        calls = calls.filter(user__in=users)
    failed = calls.filter(status=Status.FAILED).order_by("-started_at", "-id").first()
    if failed is None:
        return None
    later = Q(started_at__gt=failed.started_at) & ~Q(status=Status.RUNNING)
    return LastFailure(
        failed.ended_at or failed.started_at,
        failed.error_title or "Error",
        failed.error_status,
        _next_try(failed, hour.end),
        not calls.filter(later).exists(),
    )


def _next_try(call: Generation, now: datetime) -> datetime | None:
    wait = call.attempts[-1].get("retry_after") if call.attempts else None
    if wait is None or call.ended_at is None:
        return None
    moment = call.ended_at + timedelta(seconds=float(wait))
    return moment if moment > now else None
