"""Calls of tools that a model wants, as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from inference.rendering.cache import kept
from inference.rendering.markdown import render_block
from telemetry.readable_json import indented


@dataclass(frozen=True, slots=True)
class ShownCall:
    """``html``: the arguments as code, safe; empty where there are none."""

    name: str
    html: SafeString


def shown_calls(calls: Iterable[Mapping[str, Any]]) -> list[ShownCall]:
    """Of calls as ``inference.runs.tool_calls`` stores them."""
    return [ShownCall(call["name"], SafeString(kept.html(arguments_html, call["arguments"]))) for call in calls]


def arguments_html(arguments: str) -> str:
    """Over several lines and in colours where it is JSON, else as the model wrote it."""
    if not arguments.strip():
        return ""
    readable = indented(arguments)
    code = arguments if readable is None else readable
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
    return render_block(f"{fence}{'text' if readable is None else 'json'}\n{code}\n{fence}")
