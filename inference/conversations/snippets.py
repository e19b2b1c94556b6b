"""Where in a conversation the words of a search stand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import Q
from django.utils.html import escape
from django.utils.safestring import SafeString

from inference.models import Conversation, Message

BEFORE, LENGTH = 24, 110


def snippets_of(conversations: Sequence[Conversation], query: str) -> Mapping[UUID, SafeString]:
    """Of those whose title does not hold all words of ``query``: a line of a message that does, with marks.

    By conversation, as safe HTML.
    """
    words = query.split()
    searched = [found.pk for found in conversations if words and not _holds(found.title, words)]
    if not searched:
        return {}
    said = Q(*(Q(text__icontains=word) for word in words))
    messages = Message.objects.filter(said, conversation__in=searched)
    newest = messages.order_by("conversation", "-pk").distinct("conversation")
    return {pk: snippet_of(text, words) for pk, text in newest.values_list("conversation", "text")}


def _holds(text: str, words: Sequence[str]) -> bool:
    return all(word.casefold() in text.casefold() for word in words)


def snippet_of(text: str, words: Sequence[str]) -> SafeString:
    """A line of ``text`` around the first of the ``words``, in which each of them is marked."""
    line = " ".join(text.split())
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    first = pattern.search(line)
    start = max(0, (first.start() if first else 0) - BEFORE)
    cut = line[start : start + LENGTH]
    marked, end = [], 0
    for match in pattern.finditer(cut):
        marked += [escape(cut[end : match.start()]), f"<mark>{escape(match[0])}</mark>"]
        end = match.end()
    shown = "".join([*marked, escape(cut[end:])])
    return SafeString(f"{'…' if start else ''}{shown}{'…' if start + LENGTH < len(line) else ''}")
