"""What the page needs of the app above, which makes the calls: ``inference.apps`` sets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.utils.html import escape

if TYPE_CHECKING:
    from telemetry.context import SentMessage
    from telemetry.models import Generation


def _as_it_is(text: str) -> str:
    return escape(text)


def _no_command(call: Generation, sent: Sequence[SentMessage]) -> str:
    return ""


# Safe HTML of what a model, or a user, has written.
answer_html: Callable[[str], str] = _as_it_is
question_html: Callable[[str], str] = _as_it_is
# The request as a command for a shell, without the key; '' where there is no such request.
curl_of: Callable[[Generation, Sequence[SentMessage]], str] = _no_command
