"""Inserting a prompt into the message that is being written: finding one, and filling it in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import UserRequest
from inference.chat.composer import parameter_inputs
from inference.chat.picker.choices import choice_of
from inference.chat.prompt_forms import MOST_LISTED, InsertForm, PromptSearch
from inference.chat.prompt_insert import PromptFilling, offered_version, versions_offered
from prompts.composition import IncludeRefused
from prompts.models import Prompt
from prompts.reading import VersionNotFound
from prompts.templating import TemplateError

OPTIONS = "prompt-options"


@require_safe
def prompt_picker(request: UserRequest) -> HttpResponse:
    """The search with its list, or the list alone where htmx is going to swap it."""
    if not request.htmx:
        return redirect("prompts:prompt-list")
    search = PromptSearch(request.GET)
    found = list(search.found(request.user)[: MOST_LISTED + 1])
    context = {"prompts": found[:MOST_LISTED], "has_more": len(found) > MOST_LISTED, "query": search.data.get("q", "")}
    part = "#options" if request.htmx.target == OPTIONS else ""
    response = render(request, f"inference/_prompt_picker.html{part}", context)
    patch_vary_headers(response, ["HX-Target"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def prompt_insert(request: UserRequest, pk: UUID) -> HttpResponse:
    """Asks for version and variables; with ``insert`` it gives the filled-in prompt. Another version asks anew."""
    prompt = get_object_or_404(Prompt.objects.visible_to(request.user), pk=pk)
    if not request.htmx:
        return redirect(prompt)
    offered = versions_offered(prompt, request.user)
    if not offered[0][1]:
        raise Http404
    wanted = request.POST.get("version") or offered[0][1][0][0]
    context: dict[str, Any] = {"prompt": prompt, "offered": offered, "wanted": wanted}
    try:
        filling = PromptFilling(offered_version(prompt, request.user, wanted, offered), request.user)
    except (VersionNotFound, IncludeRefused, TemplateError) as error:
        status = 422 if request.method == "POST" else 200
        return render(request, "inference/_prompt_form.html", context | {"problem": str(error)}, status=status)
    return _filled(request, filling, context | {"version": filling.version, "filling": filling})


def _filled(request: UserRequest, filling: PromptFilling, context: dict[str, Any]) -> HttpResponse:
    is_sent = "insert" in request.POST
    form = InsertForm(request.POST if is_sent else None, filling=filling, initial=request.POST.dict())
    if not form.is_valid():
        status = 422 if is_sent else 200
        return render(request, "inference/_prompt_form.html", context | {"form": form}, status=status)
    context |= {"insertion": filling.filled(form.values())}
    if filling.model and form.cleaned_data["use_model"]:
        offer = filling.model
        inputs = parameter_inputs(offer.provider, offer.model, offer.parameters)
        context |= {"inputs": inputs, "choice": choice_of(request.user, offer.provider, offer.model)}
    return render(request, "inference/_prompt_inserted.html", context)
