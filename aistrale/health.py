"""Is the process alive, and is it ready for more work? Neither answer tells anything else."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from aistrale.errors import OUTAGES
from aistrale.process import runs


@require_safe
@never_cache
@login_not_required
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """503 while shutting down, and while PostgreSQL or Redis does not answer."""
    return HttpResponse("ok", content_type="text/plain") if _is_ready() else HttpResponse("not ready", status=503)


def _is_ready() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        cache.get("health")
    except OUTAGES:
        return False
    return not runs.is_draining
