"""Writing: a new prompt, and new versions of one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.requests import UserRequest
from prompts import services
from prompts.drafts import DraftRefused
from prompts.pages import prefill
from prompts.pages.access import chosen_version, editable_prompt, number_in
from prompts.pages.editor import editor_of, new_editor, sent_editor
from prompts.pages.editor_page import EditorPage
from prompts.pages.forms import PromptForm, VersionForm, initial_of
from prompts.services import SavedMeanwhile

SAVE = "save"


@require_http_methods(["GET", "POST"])
def prompt_add(request: UserRequest) -> HttpResponse:
    page = _new_prompt(request)
    if _is_to_be_saved(request) and page.is_valid():
        try:
            version = services.create_prompt(
                owner=request.user, draft=page.draft, message=page.commit_message, **page.details_values
            )
        except (DraftRefused, ValidationError) as error:
            page.refuse(error)
        else:
            messages.success(request, f"“{version.prompt}” created")
            return redirect(version.prompt)
    return _render(request, page)


@require_http_methods(["GET", "POST"])
def version_add(request: UserRequest, pk: UUID) -> HttpResponse:
    page = _new_version(request, pk)
    if page.prompt and _is_to_be_saved(request) and page.is_valid():
        try:
            version = services.save_version(
                prompt=page.prompt,
                draft=page.draft,
                author=request.user,
                message=page.commit_message,
                made_from=page.base.number if page.base else None,
                newest_seen=page.newest_seen,
            )
        except DraftRefused as error:
            page.refuse(error)
        except SavedMeanwhile as error:
            page.theirs, page.newest_seen = error.newest, error.newest.number
        else:
            messages.success(request, f"Version {version.number} saved")
            return redirect(page.prompt)
    return _render(request, page)


def _new_prompt(request: UserRequest) -> EditorPage:
    if request.method == "GET":
        return _begun_prompt(request)
    editor = sent_editor(request.POST.dict(), is_chat=request.POST.get("type") != "text", base=None)
    editor.take(_step(request))
    is_saved = _is_to_be_saved(request)
    details = PromptForm(request.POST) if is_saved else PromptForm(initial=request.POST.dict())
    return EditorPage(request.user, editor, _sent_form(request), details=details)


def _begun_prompt(request: UserRequest) -> EditorPage:
    """Empty, or with what the address names."""
    try:
        begun = prefill.prefill_for(request.user, request.GET)
    except ObjectDoesNotExist as error:
        raise Http404 from error
    if begun is None:
        editor = new_editor(is_chat=request.GET.get("type") != "text")
        return EditorPage(request.user, editor, VersionForm(initial={"message": "First version"}), details=PromptForm())
    if begun.note:
        messages.info(request, begun.note)
    form = VersionForm(initial=initial_of(begun.draft) | {"message": begun.message})
    return EditorPage(request.user, editor_of(begun.draft), form, details=PromptForm())


def _new_version(request: UserRequest, pk: UUID) -> EditorPage:
    prompt = editable_prompt(request.user, pk)
    base = chosen_version(prompt, request.GET.get("version", ""))
    is_chat, draft = prompt.type == "chat", base.draft if base else None
    if request.method == "GET":
        editor = editor_of(draft) if draft else new_editor(is_chat=is_chat)
        form = VersionForm(initial=initial_of(base) if base else None)
        newest_seen: int | None = prompt.last_number
    else:
        editor = sent_editor(request.POST.dict(), is_chat=is_chat, base=draft)
        editor.take(_step(request))
        form = _sent_form(request)
        newest_seen = number_in(request.POST.get("newest_seen", ""))
    example_set = prompt.example_sets.filter(pk=number_in(request.POST.get("examples", "")) or 0).first()
    return EditorPage(
        request.user, editor, form, prompt=prompt, base=base, newest_seen=newest_seen, example_set=example_set
    )


def _step(request: UserRequest) -> str:
    return request.POST.get("step", SAVE)


def _is_to_be_saved(request: UserRequest) -> bool:
    return request.method == "POST" and _step(request) == SAVE


def _sent_form(request: UserRequest) -> VersionForm:
    """On the way to another step nothing is called wrong yet."""
    return VersionForm(request.POST) if _is_to_be_saved(request) else VersionForm(initial=request.POST.dict())


def _render(request: UserRequest, page: EditorPage) -> HttpResponse:
    template = f"prompts/editor.html{'#editor' if request.htmx else ''}"
    context = {"page": page, "is_unsaved": request.method == "POST"}
    return render(request, template, context, status=page.status)
