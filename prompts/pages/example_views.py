"""Example sets: written, changed and deleted by those who may edit the prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import UserRequest
from prompts import example_sets
from prompts.models import ExampleSet, Prompt
from prompts.pages.access import editable_prompt
from prompts.pages.forms import add_errors

_PREFIX = "value-"


class ExampleSetForm(forms.Form):
    """A field for each variable of the newest version, and for each other one that the set has a value of."""

    name = forms.CharField(
        max_length=100, widget=forms.TextInput(attrs={"placeholder": "What it is an example of", "spellcheck": "false"})
    )

    def __init__(self, data: Mapping[str, str] | None, *, prompt: Prompt, example_set: ExampleSet | None) -> None:
        stored = example_set.values if example_set else {}
        super().__init__(data, initial={"name": example_set.name if example_set else ""})
        newest = prompt.versions.first()
        variables = {row.name: row for row in newest.draft.variables} if newest else {}
        used = newest.draft.used_variables if newest else []
        for name in dict.fromkeys([*used, *variables, *stored]):
            row = variables.get(name)
            self.fields[_PREFIX + name] = forms.CharField(
                required=False,
                strip=False,
                label=name,
                initial=stored.get(name, ""),
                help_text="" if name in used else "Not used by the newest version.",
                widget=forms.Textarea(
                    attrs={"rows": 2, "class": "mono cell", "placeholder": (row and (row.sample or row.default)) or ""}
                ),
            )

    @property
    def values(self) -> dict[str, str]:
        """Of a valid form. Browsers send every line break as two characters."""
        sent = {
            name.removeprefix(_PREFIX): str(value).replace("\r\n", "\n")
            for name, value in self.cleaned_data.items()
            if name.startswith(_PREFIX)
        }
        return {name: value for name, value in sent.items() if value}


@require_http_methods(["GET", "POST"])
def example_set_add(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = editable_prompt(request.user, pk)
    create = partial(example_sets.create_example_set, prompt=prompt, actor=request.user)
    return _written(request, prompt, None, save=create)


@require_http_methods(["GET", "POST"])
def example_set_edit(request: UserRequest, pk: UUID, number: int) -> HttpResponse:
    prompt = editable_prompt(request.user, pk)
    example_set = get_object_or_404(prompt.example_sets, pk=number)
    update = partial(example_sets.update_example_set, example_set=example_set, actor=request.user)
    return _written(request, prompt, example_set, save=update)


def _written(
    request: UserRequest, prompt: Prompt, example_set: ExampleSet | None, *, save: Callable[..., object]
) -> HttpResponse:
    """``save`` takes name and values."""
    form = ExampleSetForm(request.POST or None, prompt=prompt, example_set=example_set)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            save(name=name, values=form.values)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, f"Example set “{name}” saved")
            return redirect(prompt)
    context = {"prompt": prompt, "form": form, "example_set": example_set}
    return render(request, "prompts/example_set_form.html", context, status=422 if form.is_bound else 200)


@require_POST
def example_set_delete(request: UserRequest, pk: UUID, number: int) -> HttpResponse:
    prompt = editable_prompt(request.user, pk)
    example_set = get_object_or_404(prompt.example_sets, pk=number)
    name = example_set.name
    example_sets.delete_example_set(example_set=example_set, actor=request.user)
    messages.success(request, f"Example set “{name}” deleted")
    return redirect(prompt)
