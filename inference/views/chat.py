"""The chat page, for a new conversation and for stored ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest
from inference.composer import composer_for, new_composer
from inference.conversations import sidebar_of
from inference.forms import ModelQuery, filters_from
from inference.models import Conversation, Message
from inference.reservations import reserve
from inference.sharing import copy_branch
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
    composer = new_composer(request.user, **ModelQuery(request.GET).chosen())
    context = {
        "composer": composer,
        "client_id": composer.client_id,
        "socket_path": f"/ws/chat/new/{reservation.signed}/",
        "thread_url": reverse("inference:conversation-detail", args=[reservation.conversation_id]),
        "has_token": ProviderToken.objects.visible_to(request.user).usable().exists(),
    }
    return _page(request, context)


@require_safe
def conversation_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    """``leaf`` chooses the branch; htmx may ask for the messages or the list alone."""
    conversation = _visible(request, pk)
    if request.htmx.target == CONVERSATION_LIST:
        return conversation_list(request, current=pk)
    thread = thread_of(conversation, leaf_from(request.GET.get("leaf", "")), viewer=request.user)
    context = {"conversation": conversation, "thread": thread, "turns": thread.turns, "client_id": uuid4()}
    if request.htmx.target == MESSAGES:
        # _composer_ids.html is swapped along with the messages.
        return render(request, "inference/_branch.html", context | {"is_swap": True})
    context |= {"socket_path": f"/ws/chat/{pk}/", "thread_url": conversation.get_absolute_url()}
    if thread.may_edit:
        context["composer"] = composer_for(conversation)
    return _page(request, context, current=pk)


@require_POST
def conversation_copy(request: UserRequest, pk: UUID) -> HttpResponse:
    """Go on by oneself from the branch that is shown."""
    thread = thread_of(_visible(request, pk), leaf_from(request.POST.get("parent", "")), viewer=request.user)
    copy = copy_branch(thread=thread, actor=request.user)
    messages.success(request, "This copy is yours alone. What you ask here, only you see.")
    return redirect(copy)


@require_safe
def message_source(request: UserRequest, pk: int) -> HttpResponse:
    """A message as it was written, Markdown and all, as plain text."""
    visible = Message.objects.filter(conversation__in=Conversation.objects.visible_to(request.user))
    return HttpResponse(get_object_or_404(visible, pk=pk).text, content_type="text/plain; charset=utf-8")


def conversation_list(request: UserRequest, *, current: UUID | None = None) -> HttpResponse:
    sidebar = sidebar_of(request.user, filters=filters_from(request.GET), current=current)
    return render(request, "inference/_conversation_list.html", {"sidebar": sidebar})


def _page(request: UserRequest, context: dict[str, Any], *, current: UUID | None = None) -> HttpResponse:
    context["sidebar"] = sidebar_of(request.user, filters=filters_from(request.GET), current=current)
    response = render(request, "inference/chat.html", context)
    patch_vary_headers(response, ["HX-Target"])
    return response


def _visible(request: UserRequest, pk: UUID) -> Conversation:
    visible = Conversation.objects.visible_to(request.user).select_related("owner", "team")
    return get_object_or_404(visible, pk=pk)


def leaf_from(wanted: str) -> int | None:
    """The id of a message as a URL or a form names it; None for anything else."""
    return int(wanted) if wanted.isdecimal() and len(wanted) < 19 else None
