"""One prompt: its versions as they read, and what is done to it as a whole."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import UserRequest
from accounts.share_pages import share_dialog, shared
from prompts import services
from prompts.callers import conversations_of, keys_of, users_of
from prompts.figures import comparison, error_percent, figures_of
from prompts.label_rules import LabelRefused
from prompts.models import PRODUCTION, Prompt, PromptVersion
from prompts.pages.access import chosen_version, editable_prompt, own_prompt, visible_prompt
from prompts.pages.editor_page import TYPES
from prompts.pages.forms import DetailsForm, PromptShareForm, add_errors
from prompts.pages.header import header_of
from prompts.pages.preview import read_view
from prompts.pages.rollout_views import shown_rollouts
from prompts.reading import predecessor_of
from prompts.usage import dependents_of, included_by, snippets

VERSIONS_SHOWN = 10
LANGUAGES = [("python", "Python"), ("curl", "curl"), ("javascript", "JavaScript")]


@require_safe
def prompt_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = visible_prompt(request.user, pk)
    version = chosen_version(prompt, request.GET.get("version", ""))
    versions = prompt.versions.without_content().prefetch_related("labels")
    shown = list(versions if "all" in request.GET else versions[:VERSIONS_SHOWN])
    before = predecessor_of(version) if version else None
    figures = figures_of(prompt, {row.number for row in (*shown, version, before) if row})
    header = header_of(prompt, request.user)
    context = header | {
        "version": version,
        "compared": comparison(before, version, figures) if version else None,
        "versions": [(row, used := figures.get(row.number), error_percent(used)) for row in shown],
        "versions_count": prompt.versions.count(),
        "example_sets": prompt.example_sets.all(),
        "dependents": dependents_of(prompt, reader=request.user),
        "rollouts": shown_rollouts(prompt),
        "conversations": conversations_of(prompt, reader=request.user),
    }
    if header["is_editor"] or request.user.is_administrator:
        context |= {"shows_callers": True, "keys": keys_of(prompt), "users": users_of(prompt)}
    if version:
        context |= _content(request, prompt, version)
    return render(request, "prompts/prompt_detail.html", context)


def _content(request: UserRequest, prompt: Prompt, version: PromptVersion) -> dict[str, object]:
    labels = [label.name for label in version.labels.all()]
    label = PRODUCTION if PRODUCTION in labels or not labels else labels[0]
    host = request.build_absolute_uri("/").rstrip("/")
    shown = read_view(version.body, reader=request.user)
    return {
        "messages_shown": shown,
        "variables": [
            (row, TYPES.get(row.type, row.type), [said.title for said in shown if row.name in said.variables])
            for row in version.draft.variables
        ],
        "includes": included_by(version, reader=request.user),
        "languages": LANGUAGES,
        "snippets": snippets(host=host, prompt=prompt, label=label, version=version),
    }


@require_http_methods(["GET", "POST"])
def prompt_edit(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = editable_prompt(request.user, pk)
    form = DetailsForm(request.POST or None, initial={"description": prompt.description, "tags": prompt.tags})
    if form.is_valid():
        try:
            services.update_prompt(prompt=prompt, actor=request.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, "Saved")
            return redirect(prompt)
    template = f"prompts/prompt_form.html{'#dialog' if request.htmx else ''}"
    return render(request, template, {"prompt": prompt, "form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def prompt_share(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = own_prompt(request.user, pk)
    form = PromptShareForm(
        request.POST or None,
        thing=prompt,
        help_text="They can read all versions and labels, including future ones.",
        readers_may_edit=prompt.readers_may_edit,
    )
    if form.is_valid():
        services.share_prompt(prompt=prompt, actor=request.user, **form.cleaned_data)
        return shared(request, prompt, form.cleaned_data["audience"])
    return share_dialog(request, prompt, form)


@require_POST
def prompt_archive(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = editable_prompt(request.user, pk)
    is_archived = request.POST.get("on") == "1"
    services.update_prompt(prompt=prompt, actor=request.user, is_archived=is_archived)
    messages.success(request, f"“{prompt}” {'archived' if is_archived else 'restored'}")
    return redirect(prompt)


@require_http_methods(["GET", "POST"])
def prompt_delete(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = own_prompt(request.user, pk)
    context = {"prompt": prompt, "labels": prompt.labels.all(), "versions_count": prompt.versions.count()}
    return _confirmed(
        request,
        "prompts/prompt_confirm_delete.html",
        context,
        delete=lambda: services.delete_prompt(prompt=prompt, actor=request.user),
        told=f"“{prompt}” deleted",
        then="prompts:prompt-list",
    )


@require_http_methods(["GET", "POST"])
def version_delete(request: UserRequest, pk: UUID, number: int) -> HttpResponse:
    prompt = own_prompt(request.user, pk)
    version = get_object_or_404(prompt.versions, number=number)
    return _confirmed(
        request,
        "prompts/version_confirm_delete.html",
        {"prompt": prompt, "version": version, "labels": version.labels.all()},
        delete=lambda: services.delete_version(version=version, actor=request.user),
        told=f"Version {number} deleted",
        then=prompt,
    )


def _confirmed(
    request: UserRequest,
    template: str,
    context: dict[str, object],
    *,
    delete: Callable[[], None],
    told: str,
    then: str | Prompt,
) -> HttpResponse:
    """Asks by GET, deletes by POST; ``then`` is where that leads to. What is refused is told in the dialog."""
    problem = ""
    if request.method == "POST":
        try:
            delete()
        except LabelRefused as error:
            problem = error.message
        else:
            messages.success(request, told)
            return redirect(then)
    fragment = "#dialog" if request.htmx else ""
    return render(request, template + fragment, context | {"problem": problem}, status=422 if problem else 200)
