"""The list of models to choose from, by endpoint, and the parameters that one of them takes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import UserRequest
from inference.chat.composer import parameter_inputs
from inference.chat.forms import PREFIX, ModelQuery
from inference.chat.picker.groups import Group, endpoints_of, forget_lists, groups_of, known_groups, list_groups
from inference.chat.picker.pinned import MOST_RECENT, favourite_places, pinned_at, recent_places, toggle_favourite


@require_http_methods(["GET", "HEAD", "POST"])
def model_list(request: UserRequest) -> HttpResponse:
    """A POST asks every endpoint anew. In the dialog, each endpoint is asked by a request of its own."""
    if request.method == "POST":
        forget_lists(request.user)
        if not request.htmx:
            return redirect("inference:model-list")
    if request.htmx:
        groups = known_groups(request.user)
        return render(request, "inference/_model_options.html", _pinned(request, groups) | {"groups": groups})
    context = {"groups": list_groups(request.user), "shows_all": "all" in request.GET}
    return render(request, "inference/model_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def endpoint_models(request: UserRequest, key: str) -> HttpResponse:
    """Those of one endpoint; a POST asks it anew."""
    endpoint = next((one for one in endpoints_of(request.user) if one.key == key), None)
    if endpoint is None:
        raise Http404
    if not request.htmx:
        return redirect("inference:model-list")
    [group] = groups_of(request.user, [endpoint], refresh=request.method == "POST")
    context = _pinned(request, known_groups(request.user)) | {"group": group, "is_swap": True}
    return render(request, "inference/_model_group.html", context)


@require_POST
def model_favourite(request: UserRequest) -> HttpResponse:
    """Make a model a favourite, or none any more."""
    chosen = ModelQuery(request.POST).chosen()
    if not chosen:
        return HttpResponseBadRequest("No such model.")
    toggle_favourite(user=request.user, provider=chosen["provider"], model=chosen["model"], token_id=chosen["endpoint"])
    if not request.htmx:
        return redirect("inference:model-list")
    return render(request, "inference/_model_pinned.html", _pinned(request, known_groups(request.user)))


@require_safe
def parameter_list(request: UserRequest) -> HttpResponse:
    """The inputs for one model, with the values from the URL that it takes too."""
    chosen = ModelQuery(request.GET).chosen()
    if not request.htmx:
        return redirect(f"{reverse('inference:chat')}?{urlencode({k: v for k, v in chosen.items() if v})}")
    values = {name.removeprefix(PREFIX): value for name, value in request.GET.items() if name.startswith(PREFIX)}
    inputs = parameter_inputs(chosen["provider"], chosen["model"], values=values) if chosen else []
    return render(request, "inference/_parameters.html", {"inputs": inputs})


def _pinned(request: UserRequest, groups: list[Group]) -> dict[str, Any]:
    endpoints = [group.endpoint for group in groups if not group.disabled_reason]
    favourites = pinned_at(favourite_places(request.user), endpoints)
    starred = {(one.endpoint.key, one.choice.id) for one in favourites}
    asked = pinned_at(recent_places(request.user), endpoints)
    recent = [one for one in asked if (one.endpoint.key, one.choice.id) not in starred]
    return {"pinned_favourites": favourites, "recent": recent[:MOST_RECENT], "favourites": _names(starred)}


def _names(starred: set[tuple[str, str]]) -> set[str]:
    """As templates look for them."""
    return {f"{key} {model}" for key, model in starred}
