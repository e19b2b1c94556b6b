"""Renaming, pinning, archiving, exporting and deleting conversations."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.requests import UserRequest
from accounts.share_pages import share_page
from inference.actions import InferenceAction
from inference.conversations import export, services
from inference.conversations.forms import RenameForm, filters_from, id_from
from inference.models import Conversation


@require_http_methods(["GET", "POST"])
def conversation_rename(request: UserRequest, pk: UUID) -> HttpResponse:
    conversation = _editable(request, pk)
    form = RenameForm(request.POST or None, instance=conversation)
    if form.is_valid():
        services.rename_conversation(conversation=conversation, title=form.cleaned_data["title"])
        messages.success(request, "Renamed")
        return redirect(conversation)
    context = {"conversation": conversation, "form": form}
    template = f"inference/conversation_form.html{'#dialog' if request.htmx else ''}"
    return render(request, template, context, status=422 if form.is_bound else 200)


@require_POST
def conversation_pin(request: UserRequest, pk: UUID) -> HttpResponse:
    conversation = _editable(request, pk)
    pinned = request.POST.get("on") == "1"
    services.set_pinned(conversation=conversation, pinned=pinned)
    messages.success(request, "Pinned" if pinned else "Unpinned")
    return _list_or_page(request, conversation)


@require_POST
def conversation_archive(request: UserRequest, pk: UUID) -> HttpResponse:
    conversation = _editable(request, pk)
    archived = request.POST.get("on") == "1"
    services.set_archived(conversation=conversation, archived=archived)
    messages.success(request, "Archived" if archived else "Restored")
    return _list_or_page(request, conversation)


@require_http_methods(["GET", "POST"])
def conversation_share(request: UserRequest, pk: UUID) -> HttpResponse:
    return share_page(
        request,
        _editable(request, pk),
        action=InferenceAction.CONVERSATION_SHARE,
        help_text="They can read all messages and branches, including future ones, and their cost. Only you can write.",
        note="Provider error messages and your key's name are never shared.",
    )


@require_POST
def conversation_delete(request: UserRequest, pk: UUID) -> HttpResponse:
    conversation = _editable(request, pk)
    services.delete_conversation(conversation=conversation, actor=request.user)
    undo = reverse("inference:conversation-restore", args=[pk])
    messages.success(request, f"“{conversation.title}” deleted", extra_tags=undo)
    return _list_or_chat(request, conversation)


@require_POST
def conversation_restore(request: UserRequest, pk: UUID) -> HttpResponse:
    """Take back what ``conversation_delete`` did."""
    deleted = Conversation.objects.deleted_by(request.user)
    conversation = get_object_or_404(deleted.select_related("owner", "team"), pk=pk)
    services.restore_conversation(conversation=conversation, actor=request.user)
    messages.success(request, f"“{conversation.title}” restored")
    return _list_or_page(request, conversation)


@require_safe
def conversation_export(request: UserRequest, pk: UUID) -> HttpResponse:
    """Asks for the format, and with ``format`` gives the file. ``leaf`` chooses the branch."""
    visible = Conversation.objects.visible_to(request.user).select_related("owner", "team")
    conversation = get_object_or_404(visible, pk=pk)
    name, leaf = request.GET.get("format", ""), request.GET.get("leaf", "")
    if name not in export.FORMATS:
        context = {"conversation": conversation, "formats": export.FORMATS, "leaf": leaf}
        return render(request, f"inference/conversation_export.html{'#dialog' if request.htmx else ''}", context)
    content = services.export_conversation(conversation=conversation, name=name, leaf=id_from(leaf), actor=request.user)
    headers = {"Content-Disposition": f'attachment; filename="{export.file_name(conversation, name)}"'}
    return HttpResponse(content, content_type=export.FORMATS[name].content_type, headers=headers)


def _editable(request: UserRequest, pk: UUID) -> Conversation:
    return get_object_or_404(Conversation.objects.editable_by(request.user).select_related("owner", "team"), pk=pk)


def _list_or_chat(request: UserRequest, conversation: Conversation) -> HttpResponse:
    """The list, or a new chat where the page shows what is gone."""
    if request.htmx and str(conversation.pk) not in (request.htmx.current_url_abs_path or ""):
        return _list_or_page(request, conversation)
    if not request.htmx:
        return redirect("inference:chat")
    return HttpResponseClientRedirect(reverse("inference:chat"))


def _list_or_page(request: UserRequest, conversation: Conversation) -> HttpResponse:
    """The list as the page that asked shows it, or the conversation's page where scripts are off."""
    if not request.htmx:
        return redirect(conversation)
    shown = urlsplit(request.htmx.current_url_abs_path or "")
    try:
        current = resolve(shown.path).kwargs.get("pk")
    except Resolver404:
        current = None
    filters = filters_from(QueryDict(shown.query))
    sidebar = services.sidebar_of(request.user, filters=filters, current=current)
    return render(request, "inference/_conversation_list.html", {"sidebar": sidebar})
