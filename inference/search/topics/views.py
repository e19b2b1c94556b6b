"""What a user's calls are about."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import UserRequest
from inference.search.topics.figures import topics_of
from inference.search.topics.keeping import DAYS, SMALLEST

RANGES = (7, DAYS)


@require_safe
def topic_list(request: UserRequest) -> HttpResponse:
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, RANGES) else DAYS
    topics = topics_of(request.user, days=days, now=timezone.now())
    context = {
        "topics": topics,
        "days": days,
        "ranges": RANGES,
        "width": 4 * (days + 1),
        "smallest": SMALLEST,
        "calls": sum(topic.calls for topic in topics),
        "cost": sum(topic.cost for topic in topics),
        "repeats_cost": sum(topic.repeats_cost for topic in topics),
    }
    return render(request, "search/topics.html", context)
