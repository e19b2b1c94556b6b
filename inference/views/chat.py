"""The chat page, for a new conversation and for stored ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.requests import UserRequest
from inference.composer import composer_for, new_composer
from inference.conversations import sidebar_of
from inference.forms import ModelQuery, filters_from
from inference.models import Conversation, Message
from inference.reservations import reserve
from inference.thread import thread_of
from tokens.models import ProviderToken

MESSAGES = "messages"
CONVERSATION_LIST = "conversation-list"


@require_safe
def chat(request: UserRequest) -> HttpResponse:
    """A conversation that is stored with its first message."""
    if request.htmx.target == CONVERSATION_LIST:
        return conversation_list(request)
    reservation = reserve(request.user)
    context = {
        "composer": new_composer(request.user, **ModelQuery(request.GET).chosen()),
        "socket_path": f"/ws/chat/new/{reservation.signed}/",
        "thread_url": reverse("inference:conversation-detail", args=[reservation.conversation_id]),
        "has_token": ProviderToken.objects.visible_to(request.user).usable().exists(),
    }
    return _page(request, context)


@require_safe
def conversation_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    """``leaf`` chooses the branch; htmx may ask for the messages or the list alone."""
    conversation = get_object_or_404(Conversation.objects.visible_to(request.user), pk=pk)
    if request.htmx.target == CONVERSATION_LIST:
        return conversation_list(request, current=pk)
    composer = composer_for(conversation)
    thread = thread_of(conversation, _leaf(request))
    context = {"conversation": conversation, "composer": composer, "thread": thread, "turns": thread.turns}
    if request.htmx.target == MESSAGES:
        # _composer_ids.html is swapped along with the messages.
        ids = {"client_id": composer.client_id, "is_swap": True}
        return render(request, "inference/_branch.html", context | ids)
    context |= {"socket_path": f"/ws/chat/{pk}/", "thread_url": conversation.get_absolute_url()}
    return _page(request, context, current=pk)


@require_safe
def message_source(request: UserRequest, pk: int) -> HttpResponse:
    """A message as it was written, Markdown and all, as plain text."""
    messages = Message.objects.filter(conversation__in=Conversation.objects.visible_to(request.user))
    return HttpResponse(get_object_or_404(messages, pk=pk).text, content_type="text/plain; charset=utf-8")


def conversation_list(request: UserRequest, *, current: UUID | None = None) -> HttpResponse:
    sidebar = sidebar_of(request.user, filters=filters_from(request.GET), current=current)
    return render(request, "inference/_conversation_list.html", {"sidebar": sidebar})


def _page(request: UserRequest, context: dict[str, Any], *, current: UUID | None = None) -> HttpResponse:
    context |= {
        "sidebar": sidebar_of(request.user, filters=filters_from(request.GET), current=current),
        "client_id": context["composer"].client_id,
    }
    response = render(request, "inference/chat.html", context)
    patch_vary_headers(response, ["HX-Target"])
    return response


def _leaf(request: UserRequest) -> int | None:
    wanted = request.GET.get("leaf", "")
    return int(wanted) if wanted.isdecimal() and len(wanted) < 19 else None
