"""The list of models to choose from, and the parameters that one of them takes."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import UserRequest
from inference.chat.composer import parameter_inputs
from inference.chat.forms import PREFIX, ModelQuery
from inference.chat.model_picker import list_groups


@require_http_methods(["GET", "HEAD", "POST"])
def model_list(request: UserRequest) -> HttpResponse:
    """A POST asks every provider anew."""
    groups = list_groups(request.user, refresh=request.method == "POST")
    if request.method == "POST" and not request.htmx:
        return redirect("inference:model-list")
    template = "inference/_model_options.html" if request.htmx else "inference/model_list.html"
    return render(request, template, {"groups": groups})


@require_safe
def parameter_list(request: UserRequest) -> HttpResponse:
    """The inputs for one model, with the values from the URL that it takes too."""
    chosen = ModelQuery(request.GET).chosen()
    if not request.htmx:
        return redirect(f"{reverse('inference:chat')}?{urlencode(chosen)}")
    values = {name.removeprefix(PREFIX): value for name, value in request.GET.items() if name.startswith(PREFIX)}
    inputs = parameter_inputs(**chosen, values=values) if chosen else []
    return render(request, "inference/_parameters.html", {"inputs": inputs})
