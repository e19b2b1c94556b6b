"""Words for the templates of prompts."""

from __future__ import annotations

import json
from typing import Any

from django.template import Library
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.providers import label_of

register = Library()


@register.simple_tag
def variable(name: str, state: str = "") -> SafeString:
    """``{{name}}`` as a chip; the state ``caution`` where something is to be done about it."""
    return format_html('<mark class="var" data-state="{}">{}</mark>', state, "{{" + name + "}}")


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@register.filter
def provider_label(provider: str) -> str:
    return label_of(provider)
