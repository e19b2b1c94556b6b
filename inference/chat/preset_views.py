"""The menu of parameter presets, in the chat and in each panel of a playground."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import UserRequest
from inference.chat.presets import PresetForm, delete_preset, save_preset
from inference.models import ParameterPreset


class PlaceQuery(forms.Form):
    """``panel``: the one whose parameters are meant, none in the chat."""

    panel = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


@require_http_methods(["GET", "HEAD", "POST"])
def preset_list(request: UserRequest) -> HttpResponse:
    """A POST saves what is set now."""
    if not request.htmx:
        return redirect("inference:chat")
    if request.method != "POST":
        return _menu(request)
    form = PresetForm(request.POST.dict(), owner=request.user)
    if not form.is_valid():
        return _menu(request, problems=form.problems(), name=form.data.get("name", ""), status=422)
    save_preset(owner=request.user, name=form.cleaned_data["name"], parameters=form.values())
    return _menu(request, saved=form.cleaned_data["name"])


@require_POST
def preset_delete(request: UserRequest, pk: int) -> HttpResponse:
    delete_preset(preset=get_object_or_404(ParameterPreset, pk=pk, owner=request.user), actor=request.user)
    return _menu(request) if request.htmx else redirect("inference:chat")


def _menu(request: UserRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    query = PlaceQuery(request.POST if request.method == "POST" else request.GET)
    panel = query.cleaned_data["panel"] if query.is_valid() else None
    context |= {"presets": ParameterPreset.objects.filter(owner=request.user), "panel": panel}
    return render(request, "inference/_presets.html", context, status=status)
