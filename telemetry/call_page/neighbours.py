"""The calls before and after one, among those that the filters in its address leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.http import QueryDict

from accounts.models import User
from telemetry.explorer.filters import CallFilter
from telemetry.models import Generation, GenerationQuerySet

# What the address of the page says beside the filters of the list.
OWN = ("as",)
# Filters that no index serves look at each call in between: beyond this there are no neighbours.
REACH = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Addresses; '' where there is none. ``query`` is that of the list, with its question mark."""

    newer: str
    older: str
    query: str


def neighbours_of(call: Generation, *, query: QueryDict, user: User) -> Neighbours:
    filters = query.copy()
    for name in OWN:
        filters.pop(name, None)
    text = f"?{filters.urlencode()}" if filters else ""
    calls = _narrowed(filters, call, user)
    at = {"started_at": call.started_at}
    newer = Q(started_at__gt=call.started_at) | Q(**at, id__gt=call.pk)
    older = Q(started_at__lt=call.started_at) | Q(**at, id__lt=call.pk)
    after = calls.between(call.started_at, None).filter(newer).order_by("started_at", "id")
    before = calls.between(None, call.started_at + timedelta(microseconds=1)).filter(older)
    return Neighbours(_address(after, text), _address(before.order_by("-started_at", "-id"), text), text)


def _narrowed(filters: QueryDict, call: Generation, user: User) -> GenerationQuerySet:
    calls = Generation.objects.visible_to(user)
    form = CallFilter(filters, user=user)
    if form.is_valid() and form.needs_scan:
        calls = calls.between(call.started_at - REACH, call.started_at + REACH)
    return form.narrow(calls) if filters else calls


def _address(calls: GenerationQuerySet, query: str) -> str:
    call = calls.only("pk").first()
    return f"{call.get_absolute_url()}{query}" if call else ""
