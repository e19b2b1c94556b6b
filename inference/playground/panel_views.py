"""Changing the panels of a playground, and the values that they share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import UserRequest
from inference.attachments.checks import MOST_FILES
from inference.models import StoredFile
from inference.playground import services
from inference.playground.code import KEY, programs
from inference.playground.forms import ExampleSetForm, PanelForm
from inference.playground.models import Panel, Playground
from inference.playground.requests import PanelIncomplete, request_of, used_names
from inference.playground.sent_calls import as_sent
from inference.playground.services import TooManyPanels
from inference.playground.shown import ShownPanel, example_sets_of, shown, values_form, with_prompt_gone
from inference.providers.errors import ProviderError
from prompts.example_sets import create_example_set
from prompts.models import Prompt
from prompts.pages.editor import sent_editor
from tokens.services import pick_token


@require_POST
def panel_save(request: UserRequest, pk: UUID, panel_pk: int) -> HttpResponse:
    """Save what the panel's form holds, and take the step that it names, such as ``add:message``.

    Answers with the parts of the page that follow from it; what cannot be stored is kept in the form, with its error.
    """
    panel = _panel(request, pk, panel_pk)
    step = request.POST.get("step", "")
    had_model = (panel.provider, panel.model)
    editor = sent_editor(request.POST.dict(), is_chat=True, base=panel.draft)
    editor.take(step)
    form = PanelForm(request.POST, panel=panel)
    if form.is_valid():
        form.apply(panel, editor)
    is_saved = not form.errors
    if is_saved:
        services.save_panel(panel)
    number = list(panel.playground.panels.values_list("pk", flat=True)).index(panel.pk) + 1
    context: dict[str, Any] = {
        "shown": ShownPanel(
            panel, [], editor, form, True, number, prompt_is_gone=bool(with_prompt_gone([panel], request.user))
        ),
        "values": values_form(panel.playground, services.panels_of(panel.playground), request.user),
        "is_saved": is_saved,
        "has_new_messages": bool(step),
        "has_new_model": had_model != (panel.provider, panel.model),
        "playground": panel.playground,
        "is_swap": True,
    }
    return render(request, "playground/_saved.html", context, status=200 if is_saved else 422)


@require_POST
def values_save(request: UserRequest, pk: UUID) -> HttpResponse:
    playground = _editable(request, pk)
    form = values_form(playground, services.panels_of(playground), request.user, request.POST)
    is_valid = form.is_valid()
    services.save_values(playground=playground, values=form.values())
    # What is gone meanwhile is left out.
    wanted = request.POST.getlist("attachments")[:MOST_FILES]
    own = StoredFile.objects.without_content().filter(user=request.user, digest__in=wanted)
    services.save_files(playground=playground, files=sorted(own, key=lambda file: wanted.index(file.digest)))
    context = {"values": form, "is_saved": is_valid, "is_swap": True}
    return render(request, "playground/_values_saved.html", context, status=200 if is_valid else 422)


@require_POST
def values_fill(request: UserRequest, pk: UUID, set_pk: int) -> HttpResponse:
    """Take the values of an example set of one of the panels' prompts."""
    playground = _editable(request, pk)
    panels = services.panels_of(playground)
    chosen = next((one for one in example_sets_of(panels, request.user) if one.pk == set_pk), None)
    if chosen is None:
        raise Http404
    services.save_values(playground=playground, values=chosen.values)
    context = {"values": values_form(playground, panels, request.user), "is_saved": True, "is_swap": True}
    return render(request, "playground/_values_filled.html", context)


@require_http_methods(["GET", "POST"])
def example_set_add(request: UserRequest, pk: UUID) -> HttpResponse:
    """Store the values of the first prompt of the panels as an example set of it."""
    playground = _editable(request, pk)
    prompts = Prompt.objects.editable_by(request.user)
    panels = [panel for panel in services.panels_of(playground) if panel.prompt_id]
    prompt = get_object_or_404(prompts, pk=panels[0].prompt_id if panels else None)
    form = ExampleSetForm(request.POST or None)
    if form.is_valid():
        used = set(used_names([panels[0]], request.user)[0])
        values = {name: value for name, value in playground.values.items() if name in used and value}
        try:
            create_example_set(prompt=prompt, name=form.cleaned_data["name"], values=values, actor=request.user)
        except ValidationError as error:
            form.add_error(None, [text for texts in error.message_dict.values() for text in texts])
        else:
            messages.success(request, f"Example set “{form.cleaned_data['name']}” added to {prompt}")
            return redirect(playground)
    part = "#dialog" if request.htmx else ""
    context = {"form": form, "playground": playground, "prompt": prompt}
    status = 422 if form.is_bound else 200
    return render(request, f"playground/example_set_form.html{part}", context, status=status)


@require_POST
def panel_add(request: UserRequest, pk: UUID) -> HttpResponse:
    """One more panel, like the last one or like ``panel``."""
    playground = _editable(request, pk)
    panels = services.panels_of(playground)
    wanted = request.POST.get("panel", "")
    like = next((panel for panel in panels if str(panel.pk) == wanted), panels[-1])
    try:
        services.add_panel(playground=playground, like=like)
    except TooManyPanels as error:
        messages.error(request, str(error))
    return _panels(request, playground)


@require_POST
def panel_remove(request: UserRequest, pk: UUID, panel_pk: int) -> HttpResponse:
    panel = _panel(request, pk, panel_pk)
    services.remove_panel(panel=panel)
    return _panels(request, panel.playground)


@require_safe
def panel_code(request: UserRequest, pk: UUID, panel_pk: int) -> HttpResponse:
    """The panel's request as a program of its own."""
    panels = Panel.objects.filter(playground__in=Playground.objects.visible_to(request.user))
    panel = get_object_or_404(panels.select_related("playground"), pk=panel_pk, playground=pk)
    context: dict[str, Any] = {"panel": panel, "variable": f"{panel.provider.upper()}_API_KEY"}
    context["prompt_is_gone"] = bool(with_prompt_gone([panel], request.user))
    try:
        wanted = request_of(panel, panel.playground.values, reader=request.user)
        token = pick_token(user=request.user, provider=panel.provider, token_id=panel.token_id)
        key = "" if token and not token.has_secret else KEY
        sent = async_to_sync(as_sent)(panel.provider, wanted, token.base_url if token else "", key=key)
    except (PanelIncomplete, ProviderError) as problem:
        context["problem"] = str(problem)
    else:
        context["programs"] = programs(sent, variable=context["variable"]) if sent else None
    return render(request, f"playground/panel_code.html{'#dialog' if request.htmx else ''}", context)


def _panels(request: UserRequest, playground: Playground) -> HttpResponse:
    if not request.htmx:
        return redirect(playground)
    return render(request, "playground/playground_detail.html#panels", {"page": shown(playground, request.user)})


def _panel(request: UserRequest, pk: UUID, panel_pk: int) -> Panel:
    playgrounds = Playground.objects.editable_by(request.user)
    panels = Panel.objects.select_related("playground__owner").filter(playground__in=playgrounds)
    return get_object_or_404(panels, pk=panel_pk, playground=pk)


def _editable(request: UserRequest, pk: UUID) -> Playground:
    return get_object_or_404(Playground.objects.editable_by(request.user).select_related("owner", "team"), pk=pk)
