"""A panel as the draft of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import QueryDict

from inference.playground.models import Panel, Playground
from prompts.pages.prefill import Prefill

if TYPE_CHECKING:
    from accounts.models import User


def prefill_from(user: User, query: QueryDict) -> Prefill | None:
    """Of ``panel``. Raises Panel.DoesNotExist for one that the user may not read."""
    wanted = query.get("panel", "")
    if not wanted:
        return None
    panels = Panel.objects.filter(playground__in=Playground.objects.visible_to(user)).select_related("playground")
    panel = panels.get(pk=int(wanted) if wanted.isdecimal() and len(wanted) < 19 else 0)
    return Prefill(panel.draft, f"From the playground “{panel.playground.title}”"[:500])
