"""The first page after log-in."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.requests import UserRequest


@require_safe
def dashboard(request: UserRequest) -> HttpResponse:
    return render(request, "inference/dashboard.html")
