"""The list of prompts, by folder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.requests import UserRequest
from listing.pages import get_page, render_list
from prompts.models import Label, LabelProposal, Prompt, PromptVersion
from prompts.pages.filters import PromptFilter

WAITING_SHOWN = 20


@require_safe
def prompt_list(request: UserRequest) -> HttpResponse:
    form = PromptFilter(request.GET, user=request.user)
    visible = Prompt.objects.visible_to(request.user).with_folder().with_text()
    page = get_page(_with_versions(form.narrow(visible)), request.GET, by=["in_folder", "name"])
    context = {
        "form": form,
        "page": page,
        "folders": _by_folder(page.rows),
        "waiting": LabelProposal.objects.to_decide(request.user).select_related("prompt", "proposer")[:WAITING_SHOWN],
        "exports": {"Markdown": reverse("prompts:export-zip"), "JSON": reverse("prompts:export-json")},
    }
    return render_list(request, "prompts/prompt_list.html", context)


def _with_versions(prompts: QuerySet[Prompt]) -> QuerySet[Prompt]:
    newest = PromptVersion.objects.without_content().order_by("-number")
    labels = Label.objects.select_related("version").only("prompt_id", "name", "version__number")
    return prompts.prefetch_related(Prefetch("versions", newest[:1], to_attr="newest"), Prefetch("labels", labels))


def _by_folder(prompts: Sequence[Prompt]) -> list[tuple[str, list[Prompt]]]:
    """Of prompts that stand in the order of their folders."""
    return [(folder, list(group)) for folder, group in groupby(prompts, lambda prompt: prompt.folder)]
