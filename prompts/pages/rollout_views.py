"""Starting a rollout of a label, seeing how it goes, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import UserRequest
from prompts import rollouts
from prompts.label_rules import LabelRefused, existing_version
from prompts.models import Prompt, Rollout, RolloutState
from prompts.pages.access import editable_prompt
from prompts.pages.forms import RolloutForm
from prompts.rollout_rules import Check, Figures, checks


@dataclass(frozen=True, slots=True)
class ShownRollout:
    """One that is running, with its guards as they stand."""

    rollout: Rollout
    figures: Figures
    checks: list[Check]

    @property
    def rest(self) -> int:
        return 100 - self.rollout.percent

    @property
    def is_early(self) -> bool:
        return self.figures.calls < self.rollout.min_calls


def shown_rollouts(prompt: Prompt) -> dict[str, ShownRollout]:
    """By label."""
    shown = {}
    for rollout in prompt.rollouts.running():
        figures = rollouts.figures_now(rollout)
        shown[rollout.label] = ShownRollout(rollout, figures, list(checks(rollout.guards, figures)))
    return shown


@require_http_methods(["GET", "POST"])
def rollout_add(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = editable_prompt(request.user, pk)
    initial = {"label": request.GET.get("label", ""), "version": request.GET.get("version", "")}
    form = RolloutForm(request.POST or None, initial=initial)
    if form.is_valid():
        cleaned = form.cleaned_data
        try:
            started = rollouts.start_rollout(
                prompt=prompt,
                label=cleaned["label"],
                to=existing_version(prompt, cleaned["version"]),
                percent=cleaned["percent"],
                guards=form.guards(),
                actor=request.user,
                reason=cleaned["reason"],
            )
        except LabelRefused as error:
            form.add_error(None, error.message)
        else:
            share = f"{started.percent} % of users of “{started.label}”"
            messages.success(request, f"{share} are now served v{started.to_version}")
            return redirect(prompt)
    template = f"prompts/rollout_form.html{'#dialog' if request.htmx else ''}"
    shown = {name: form[name].value() for name in ("label", "version")}
    return render(request, template, {"prompt": prompt, "form": form, **shown}, status=422 if form.is_bound else 200)


@require_POST
def rollout_end(request: UserRequest, pk: UUID, number: int) -> HttpResponse:
    prompt = editable_prompt(request.user, pk)
    rollout = get_object_or_404(prompt.rollouts.select_related("prompt"), pk=number)
    if rollouts.end_rollout(rollout=rollout, actor=request.user, state=RolloutState.ENDED):
        messages.success(request, f"Rollout ended. “{rollout.label}” serves v{rollout.from_version} to everyone.")
    else:
        messages.info(request, "The rollout had already ended.")
    return redirect(prompt)
