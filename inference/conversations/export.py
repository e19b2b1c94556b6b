"""A conversation as one file: Markdown, JSON, or HTML that needs nothing else to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone

from inference.conversations.thread import Turn, whole_branch
from inference.models import Conversation

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Format:
    """``suffix`` of the file's name, without its dot."""

    title: str
    suffix: str
    content_type: str
    write: Callable[[Conversation, Sequence[Turn]], str]


def exported(conversation: Conversation, name: str, *, leaf: int | None, viewer: User) -> str:
    """The branch through the message ``leaf``, else the newest one, in the format of that name."""
    return FORMATS[name].write(conversation, whole_branch(conversation, leaf, viewer=viewer))


def file_name(conversation: Conversation, name: str) -> str:
    """Made of letters and digits that every file system takes."""
    words = re.sub(r"[^\w]+", "-", conversation.title, flags=re.ASCII).strip("-").lower()
    return f"{words[:60] or 'conversation'}.{FORMATS[name].suffix}"


def as_markdown(conversation: Conversation, turns: Sequence[Turn]) -> str:
    system = f"## System prompt\n\n{conversation.system}\n\n" if conversation.system else ""
    said = "\n\n".join(f"## {turn.author_label}\n\n{turn.message.text}" for turn in turns)
    return f"# {conversation.title}\n\n{system}{said}\n"


def as_json(conversation: Conversation, turns: Sequence[Turn]) -> str:
    content = {
        "id": str(conversation.pk),
        "title": conversation.title,
        "system": conversation.system,
        "created_at": conversation.created_at.isoformat(),
        "messages": [_message(turn) for turn in turns],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _message(turn: Turn) -> Mapping[str, Any]:
    message, call = turn.message, turn.generation
    values = {
        "role": message.role,
        "text": message.text,
        "reasoning": message.reasoning,
        "tool_calls": message.tool_calls,
        "created_at": message.created_at.isoformat(),
        "provider": call.provider if call else "",
        "model": call.request_model if call else "",
        "files": [attached.name for attached in turn.files],
    }
    return {name: value for name, value in values.items() if value}


def as_html(conversation: Conversation, turns: Sequence[Turn]) -> str:
    style = "\n".join(map(_stylesheet, ("css/house.css", "css/chat.css", "css/code.css")))
    context = {"conversation": conversation, "turns": turns, "style": style, "now": timezone.now()}
    return render_to_string("inference/export.html", context)


def _stylesheet(name: str) -> str:
    """Without anything that would have to be fetched."""
    return re.sub(r"@font-face \{[^}]*\}|url\([^)]*\)", "", Path(str(finders.find(name))).read_text(encoding="utf-8"))


FORMATS: Mapping[str, Format] = {
    "markdown": Format("Markdown", "md", "text/markdown; charset=utf-8", as_markdown),
    "json": Format("JSON", "json", "application/json", as_json),
    "html": Format("HTML, a single file", "html", "text/html; charset=utf-8", as_html),
}
