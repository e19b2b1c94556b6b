"""Comparing versions, moving labels, and where labels have been."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.requests import UserRequest
from listing.pages import get_page, render_list
from prompts import services
from prompts.diffs import compare
from prompts.figures import comparison, figures_of
from prompts.history import chart_of
from prompts.label_rules import LabelRefused, existing_version
from prompts.models import PRODUCTION, Label, LabelMove, LabelProposal, Prompt, PromptVersion, ProposalState
from prompts.pages.access import chosen_version, editable_prompt, visible_prompt
from prompts.pages.filters import HistoryFilter
from prompts.pages.forms import MoveForm
from prompts.pages.header import header_of
from prompts.protection import guarded_labels, propose_move
from prompts.reading import labels_at, predecessor_of
from prompts.rollouts import running_rollout
from prompts.services import ANYWHERE

ROLLOUTS_SHOWN = 20
PROPOSALS_SHOWN = 10


@require_safe
def version_compare(request: UserRequest, pk: UUID) -> HttpResponse:
    """Two versions, and at the end the move of a label to the second one."""
    prompt = visible_prompt(request.user, pk)
    label = request.GET.get("label", "")
    stands_at = _place_of(label, prompt)
    old, new = _chosen_pair(request, prompt, stands_at)
    sections = compare(old.draft, new.draft) if old and new else []
    figures = figures_of(prompt, {old.number, new.number}) if old and new else {}
    context = header_of(prompt, request.user) | {
        "old": old,
        "new": new,
        "versions": prompt.versions.without_content().prefetch_related("labels"),
        "compared": comparison(old, new, figures) if new else None,
        "sections": sections,
        "added": sum(section.added for section in sections),
        "removed": sum(section.removed for section in sections),
        "is_unified": request.GET.get("view") == "unified",
        "shows_unchanged": "unchanged" in request.GET,
        "label": label,
        "stands_at": stands_at,
        "rollout": running_rollout(prompt, label),
        "form": _move_form(label, new, prompt),
    }
    context["protected"] = protected = context["guarded"].get(label)
    context["waiting"] = context["open_proposals"].filter(label=label).first() if protected else None
    return render(request, "prompts/version_compare.html", context)


def _place_of(label: str, prompt: Prompt) -> int | None:
    """The number of the version that the label names; None where there is no such label."""
    return Label.objects.filter(prompt=prompt, name=label).values_list("version__number", flat=True).first()


def _chosen_pair(
    request: UserRequest, prompt: Prompt, stands_at: int | None
) -> tuple[PromptVersion | None, PromptVersion | None]:
    """Without a choice the newest version, after the one that the label names or else its predecessor."""
    new = chosen_version(prompt, request.GET.get("new", ""))
    if new is None:
        return None, None
    number = request.GET.get("old") or str(stands_at or "")
    return chosen_version(prompt, number) if number else predecessor_of(new) or new, new


def _move_form(label: str, version: PromptVersion | None, prompt: Prompt) -> MoveForm:
    """Of the label, or of any that the user names."""
    initial = {"label": label or PRODUCTION, "version": version.number if version else None}
    form = MoveForm(initial=initial | {"seen_at": _place_of(label, prompt) if label else ANYWHERE})
    if label:
        form.fields["label"].widget.attrs["readonly"] = True
    return form


@require_http_methods(["GET", "POST"])
def label_move(request: UserRequest, pk: UUID) -> HttpResponse:
    """Sets, moves or removes a label, or with ``propose`` requests approval. By GET it asks for the reason."""
    prompt = editable_prompt(request.user, pk)
    form = MoveForm(request.POST) if request.method == "POST" else _asked_move(request, prompt)
    if form.is_valid():
        try:
            return _proposed(request, prompt, form) if "propose" in request.POST else _moved(request, prompt, form)
        except LabelRefused as error:
            form.add_error("label", error.message)
    template = f"prompts/label_move.html{'#dialog' if request.htmx else ''}"
    context: dict[str, Any] = {"prompt": prompt, "form": form, "labels": prompt.labels.all()}
    context["protected"] = guarded_labels(request.user).get(str(form["label"].value()))
    return render(request, template, context, status=422 if form.is_bound else 200)


def _moved(request: UserRequest, prompt: Prompt, form: MoveForm) -> HttpResponse:
    sent, to = form.cleaned_data, _version_in(form, prompt)
    values = {"label": sent["label"], "reason": sent["reason"], "seen_at": sent["seen_at"]}
    services.move_label(prompt=prompt, to=to, actor=request.user, **values)
    messages.success(request, f"“{sent['label']}” moved to v{to.number}" if to else f"“{sent['label']}” removed")
    return redirect("prompts:label-history", pk=prompt.pk)


def _proposed(request: UserRequest, prompt: Prompt, form: MoveForm) -> HttpResponse:
    sent, to = form.cleaned_data, _version_in(form, prompt)
    values = {"label": sent["label"], "reason": sent["reason"], "seen_at": sent["seen_at"]}
    proposal = propose_move(prompt=prompt, to=to, proposer=request.user, **values)
    messages.success(request, "Approval requested")
    return redirect(proposal)


def _version_in(form: MoveForm, prompt: Prompt) -> PromptVersion | None:
    """None to remove the label. Raises LabelRefused."""
    number = form.cleaned_data["version"]
    return existing_version(prompt, number) if number else None


def _asked_move(request: UserRequest, prompt: Prompt) -> MoveForm:
    number = request.GET.get("version", "")
    return _move_form(request.GET.get("label", ""), chosen_version(prompt, number) if number else None, prompt)


@require_safe
def label_history(request: UserRequest, pk: UUID) -> HttpResponse:
    prompt = visible_prompt(request.user, pk)
    form = HistoryFilter(request.GET, prompt=prompt)
    moves = form.narrow(LabelMove.objects.filter(prompt=prompt)).select_related("actor", "proposal__decided_by")
    page = get_page(moves, request.GET, by=["-at", "-id"])
    now = {label.name: label.version.number for label in prompt.labels.select_related("version")}
    numbers = set(prompt.versions.values_list("number", flat=True))
    context = header_of(prompt, request.user) | {
        "form": form,
        "page": page,
        "rows": [(move, _roll_back_to(move, now, numbers)) for move in page.rows],
        "answers": _answers(request, prompt, form),
        "chart": chart_of(prompt, label=form.wanted_label, moment=form.moment),
        "rollouts": prompt.rollouts.select_related("started_by", "ended_by")[:ROLLOUTS_SHOWN],
        "closed_proposals": _without_move(prompt)[:PROPOSALS_SHOWN],
    }
    return render_list(request, "prompts/label_history.html", context)


def _without_move(prompt: Prompt) -> QuerySet[LabelProposal]:
    """Proposals that are closed and have moved nothing, the newest decision first."""
    closed = LabelProposal.objects.filter(prompt=prompt, move=None).exclude(state=ProposalState.OPEN)
    return closed.select_related("proposer", "decided_by").order_by("-decided_at", "-pk")


def _roll_back_to(move: LabelMove, now: dict[str, int], numbers: set[int]) -> int | None:
    """The version from before the move, where it is still there and the label is not back at it."""
    before = move.from_version
    return before if before in numbers and now.get(move.label) != before else None


def _answers(request: UserRequest, prompt: Prompt, form: HistoryFilter) -> list[dict[str, Any]]:
    """What each label that is asked for named at the moment that is asked for, and how the API tells the same."""
    moment = form.moment
    if moment is None:
        return []
    at = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    url = f"/api/public/v2/prompts/{quote(prompt.name, safe='')}?label={{}}&at={at}"
    return [
        {"label": label, "number": number, "call": request.build_absolute_uri(url.format(quote(label)))}
        for label, number in labels_at(prompt, moment).items()
        if form.wanted_label in ("", label)
    ]
