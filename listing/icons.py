"""Icons of the sprite."""

from __future__ import annotations

from functools import cache

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString


@cache  # A page has hundreds, and where the sprite is served does not change while the process lives.
def icon(name: str) -> SafeString:
    """A decorative icon of the sprite: the words beside it, or the button's label, carry the meaning."""
    sprite = static("vendor/lucide/icons.svg")
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', sprite, name)
