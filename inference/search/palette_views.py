"""The options below the palette's field."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.requests import UserRequest
from inference.search import query_text
from inference.search.palette import groups_for


@require_safe
def palette(request: UserRequest) -> HttpResponse:
    query = query_text.read(request.GET.get("q", ""))
    return render(request, "search/_palette_options.html", {"groups": groups_for(request.user, query), "query": query})
