"""The template tags of all pages; docs/pages.md shows each in use."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from django.http import HttpRequest
from django.template import Context, Library
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import User
from aistrale.navigation import Navigation, navigation_of
from listing.icons import icon

register = Library()


register.simple_tag(icon)


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> Navigation:
    """What the sidebar and the tabs of the page lead to."""
    request: HttpRequest = context["request"]
    match = request.resolver_match
    return navigation_of(cast(User, request.user), match.view_name if match else "")


@register.inclusion_tag("_copy_button.html")
def copy_button(text: str, what: str) -> dict[str, str]:
    """A button that puts ``text`` on the clipboard; ``what`` completes its label "Copy ..."."""
    return {"text": text, "what": what}


@register.simple_tag
def when(value: datetime | None) -> str:
    """Local time and how long ago, the exact UTC time as tooltip; a dash for None."""
    if value is None:
        return "–"
    now = timezone.now()
    local = timezone.localtime(value)
    shown = local.strftime("%H:%M" if local.date() == timezone.localtime(now).date() else "%d %b %H:%M")
    if local.year != now.year:
        shown = local.strftime("%d %b %Y %H:%M")
    exact = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{} <span class="muted">· {}</span></time>',
        exact.isoformat(timespec="seconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S"),
        shown,
        distance((now - value).total_seconds()),
    )


def distance(seconds: float) -> str:
    """``seconds`` from a moment until now in words, negative for a moment to come."""
    size = abs(seconds)
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (129600, 3600, "h")):
        if size < limit:
            words = f"{size / divisor:.0f} {unit}"
            break
    else:
        words = f"{size / 86400:,.0f} d"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


@register.simple_tag
def money(value: Decimal | None) -> str:
    """US dollars with two decimals, below one dollar with two significant digits; "unpriced" for None."""
    if value is None:
        return format_html('<span class="muted">{}</span>', "unpriced")
    return dollars(value)


def dollars(value: Decimal) -> str:
    """``$1,234.50``, ``$0.012``, ``$0.0004``: a cost that is not zero never reads as zero."""
    digits = 2 if not value or abs(value) >= 1 else max(2, 1 - value.adjusted())
    text = f"{value:,.{digits}f}"
    whole, _, decimals = text.partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"


@register.filter
def at_the_point(price: str, places: int = 3) -> str:
    """``$0.10`` for a column of prices that stands at the decimal point: the places it lacks are there, but unseen."""
    missing = places - len(price.partition(".")[2])
    return format_html('{}<span class="unseen" aria-hidden="true">{}</span>', price, "0" * max(0, missing))


@register.simple_tag
def quantity(value: float | None, unit: str, digits: int = 0) -> str:
    """A number with thousands separators and its unit; a dash for None."""
    if value is None:
        return "–"
    return format_html('{} <span class="unit">{}</span>', f"{value:,.{digits}f}", unit)


@register.simple_tag
def count(value: int | None, noun: str) -> str:
    """``1 run``, ``1,204 runs``; a dash for None."""
    return quantity(value, noun if value == 1 else f"{noun}s")


@register.simple_tag
def tokens(value: int | None) -> str:
    return count(value, "token")


@register.simple_tag
def duration(seconds: float | None) -> str:
    """``430 ms``, ``12.1 s``, ``2 min 5 s``; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        return quantity(seconds * 1000, "ms")
    if seconds < 59.95:
        return quantity(seconds, "s", 1)
    minutes, rest = divmod(round(seconds), 60)
    return format_html('{} <span class="unit">min</span> {} <span class="unit">s</span>', f"{minutes:,}", rest)
