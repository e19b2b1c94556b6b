"""Words for the templates of prompts."""

from __future__ import annotations

import json
from typing import Any

from django.template import Context, Library
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.providers import label_of
from prompts.models import LabelProposal

register = Library()


@register.simple_tag
def variable(name: str, state: str = "") -> SafeString:
    """``{{name}}`` as a chip; the state ``caution`` where something is to be done about it."""
    return format_html('<mark class="var" data-state="{}">{}</mark>', state, "{{" + name + "}}")


@register.simple_tag(takes_context=True)
def waiting_for_approval(context: Context) -> int:
    """Moves of labels that the user of the page may approve."""
    return LabelProposal.objects.to_decide(context["request"].user).count()


@register.filter
def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@register.filter
def provider_label(provider: str) -> str:
    return label_of(provider)
