"""Demonstration calls are stored, counted and removed without a trace."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from telemetry.dashboard.window import window_of
from telemetry.models import Generation
from telemetry.rollups.reading import Reader


def test_demonstration_calls_come_and_go(alice: User) -> None:
    own = Generation.objects.create(user=alice, provider="x", request_model="y", started_at=timezone.now())
    call_command("seed_demo", calls=300, days=20, stdout=StringIO())
    assert Generation.objects.count() == 301
    now = timezone.now()
    total = Reader(window_of("30d", now).span, now=now).total()
    assert (total.calls, total.cost_usd > 0, total.unpriced > 0) == (301, True, True)
    assert all(call.pk.version == 7 for call in Generation.objects.all())
    output = StringIO()
    call_command("seed_demo", remove=True, stdout=output)
    assert output.getvalue() == "Calls removed: 300.\n"
    assert Generation.objects.get() == own
    assert Reader(window_of("30d", now).span, now=now).total().calls == 1
