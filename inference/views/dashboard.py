"""The first page after log-in."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.requests import UserRequest
from inference.first_steps import first_steps
from telemetry.models import Generation

DAY = timedelta(days=1)


@require_safe
def dashboard(request: UserRequest) -> HttpResponse:
    own, now = Generation.objects.filter(user=request.user), timezone.now()
    steps = first_steps(request.user)
    context = {
        "steps": steps,
        "steps_done": sum(step.done for step in steps),
        "today": own.between(now - DAY, now).summary(),
        # The list shows administrators everybody's calls.
        "own": f"&user={request.user.pk}" if request.user.is_administrator else "",
        "day_before": own.between(now - 2 * DAY, now - DAY).summary(),
    }
    return render(request, "inference/dashboard.html", context)
