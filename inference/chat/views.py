"""The chat page, for a new conversation and for stored ones."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest
from inference.chat.composer import composer_for, new_composer
from inference.chat.forms import ModelQuery
from inference.chat.new_conversation_token import reserve
from inference.conversations.forms import filters_from, id_from
from inference.conversations.services import sidebar_of
from inference.conversations.sharing import copy_branch
from inference.conversations.thread import thread_before, thread_of
from inference.models import Conversation, Message
from tokens.models import ProviderToken

MESSAGES, EARLIER = "messages", "earlier"
CONVERSATION_LIST = "conversation-list"


@require_safe
@gzip_page
def chat(request: UserRequest) -> HttpResponse:
    """A conversation that is stored with its first message."""
    if request.htmx.target == CONVERSATION_LIST:
        return conversation_list(request)
    reservation = reserve(request.user)
    composer = new_composer(request.user, **ModelQuery(request.GET).chosen())
    context = {
        "composer": composer,
        "client_id": composer.client_id,
        "socket_path": f"{settings.BASE_PATH}/ws/chat/new/{reservation.signed}/",
        "thread_url": reverse("inference:conversation-detail", args=[reservation.conversation_id]),
        "has_token": ProviderToken.objects.visible_to(request.user).usable().exists(),
    }
    return _page(request, context)


@require_safe
@gzip_page
def conversation_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    """``leaf`` chooses the branch and the part of it that is shown, which begins with ``from`` at the latest.

    htmx may ask for the messages, for those before the ones on the page, or for the list alone.
    """
    conversation = _visible(request, pk)
    if request.htmx.target == CONVERSATION_LIST:
        return conversation_list(request, current=pk)
    leaf, since = id_from(request.GET.get("leaf", "")), id_from(request.GET.get("from", ""))
    if request.htmx.target == EARLIER:
        return _earlier(request, conversation, leaf)
    thread = thread_of(conversation, leaf, viewer=request.user, since=since)
    context = {"conversation": conversation, "thread": thread, "turns": thread.turns, "client_id": uuid4()}
    if request.htmx.target == MESSAGES:
        # _composer_ids.html is swapped along with the messages.
        return render(request, "inference/_branch.html", context | {"is_swap": True})
    context |= {"socket_path": f"{settings.BASE_PATH}/ws/chat/{pk}/", "thread_url": conversation.get_absolute_url()}
    if thread.may_edit:
        context["composer"] = composer_for(conversation)
    return _page(request, context, current=pk)


@require_POST
def conversation_copy(request: UserRequest, pk: UUID) -> HttpResponse:
    """Go on by oneself from the branch that is shown."""
    copy = copy_branch(source=_visible(request, pk), leaf=id_from(request.POST.get("parent", "")), actor=request.user)
    messages.success(request, "Duplicated. This copy is private to you.")
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


def _earlier(request: UserRequest, conversation: Conversation, last: int | None) -> HttpResponse:
    """The messages up to ``last``, in place of the link to them."""
    try:
        thread = thread_before(conversation, last or 0, viewer=request.user)
    except KeyError as error:
        raise Http404 from error
    return render(request, "inference/_window.html", {"thread": thread, "turns": thread.turns})


def _visible(request: UserRequest, pk: UUID) -> Conversation:
    visible = Conversation.objects.visible_to(request.user).select_related("owner", "team")
    return get_object_or_404(visible, pk=pk)
