"""The search page, and what is similar to a call or to a prompt."""

from __future__ import annotations

import re
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest
from inference.search import similar
from inference.search.browsing import browse
from inference.search.forms import SearchForm
from inference.search.searching import Results, note_search_of_others, search
from listing.pages import query_of, render_list
from telemetry.models import Generation

FIRST, MORE = 20, 100
_WRITTEN = re.compile(r"text|message-\d+-content")


@require_safe
def search_page(request: UserRequest) -> HttpResponse:
    form = SearchForm(request.GET, user=request.user)
    limit = MORE if request.GET.get("more") else FIRST
    results = _results(request, form, limit)
    context = {
        "form": form,
        "results": results,
        "more": query_of(request.GET, more="1") if results.has_more and limit == FIRST else "",
    }
    return render_list(request, "search/search.html", context)


def _results(request: UserRequest, form: SearchForm, limit: int) -> Results:
    if not form.is_valid():
        return Results()
    note_search_of_others(actor=request.user, filters=form.filters)
    if not form.text.is_empty:
        return search(viewer=request.user, query=form.text, filters=form.filters, limit=limit)
    if form.filter_chips() and not form.cleaned_data["q"]:
        return browse(viewer=request.user, filters=form.filters, limit=limit)
    return Results()


@require_safe
def similar_calls(request: UserRequest, pk: UUID) -> HttpResponse:
    """Of the viewer's own calls; those of others are found by nobody's text."""
    call = get_object_or_404(Generation.objects.filter(user=request.user), pk=pk)
    hits = similar.calls_like(call, viewer=request.user)
    template = "search/_similar.html" if request.htmx else "search/similar.html"
    return render(request, template, {"hits": hits, "call": call})


@require_POST
def similar_prompts(request: UserRequest) -> HttpResponse:
    """Prompts like the one that the editor sends, which is ``prompt`` itself unless it is new."""
    texts = [str(value) for name, value in request.POST.items() if _WRITTEN.fullmatch(name)]
    hits = similar.prompts_like("\n".join(texts), viewer=request.user, but=request.POST.get("prompt", ""))
    return render(request, "search/_similar_prompts.html", {"hits": hits})
