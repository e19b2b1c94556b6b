from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.core.management import call_command
from django.utils import timezone

from accounts.sharing import EVERYONE, PRIVATE, share
from audit.tests.scene import Acts, Scene
from telemetry.actions import TelemetryAction
from telemetry.costs.alerts import check_budgets
from telemetry.explorer import services as saved_views
from telemetry.models import Generation, PriceOverride
from telemetry.prices.price_lists import add_price_list
from telemetry.tests.price_files import PRICE_LIST_FILE


def change_view(scene: Scene) -> None:
    view = saved_views.save_view(owner=scene.alice, name="Failed", query="?status=failed", audience=PRIVATE)
    saved_views.rename_view(view=view, name="Broken", actor=scene.alice)
    share(view, audience=EVERYONE, actor=scene.alice, action=TelemetryAction.VIEW_SHARE)
    saved_views.delete_view(view=view, actor=scene.alice)


def remove_budget(scene: Scene) -> None:
    for value in ("10", ""):
        scene.as_admin.post("/telemetry/costs/budget/", {"monthly_usd": value})


def reach_budget(scene: Scene) -> None:
    scene.as_admin.post("/telemetry/costs/budget/", {"monthly_usd": "1"})
    now = timezone.now()
    values = {"provider": "openai", "request_model": "gpt-5", "started_at": now, "input_tokens": 1}
    Generation.objects.create(user=scene.alice, cost_usd=Decimal("0.6"), **values)
    check_budgets(now=now + timedelta(seconds=1), defer_mail=lambda *keys: None)


def set_price(scene: Scene) -> None:
    prices = {"input_price": "1", "cache_read_price": "1", "cache_write_price": "1", "output_price": "1"}
    scene.as_admin.post("/telemetry/prices/add/", {"provider": "openai", "model": "own-1", **prices})
    price = PriceOverride.objects.get()
    scene.as_admin.post(f"/telemetry/prices/{price.pk}/", prices | {"input_price": "2"})


def retire_model(scene: Scene) -> None:
    for day in ("2027-01-01", ""):
        sent = {"provider": "openai", "model": "own-1", "retires_on": day}
        scene.as_admin.post("/telemetry/prices/retirement/", sent)


ACTS: Acts = {
    "budget set": (
        lambda s: s.as_admin.post("/telemetry/costs/budget/", {"monthly_usd": "10"}),
        [TelemetryAction.BUDGET_SET],
    ),
    "budget removed": (remove_budget, [TelemetryAction.BUDGET_SET, TelemetryAction.BUDGET_DELETE]),
    "budget reached": (reach_budget, [TelemetryAction.BUDGET_SET, TelemetryAction.BUDGET_ALERT]),
    "price set, changed": (set_price, [TelemetryAction.PRICE_CREATE, TelemetryAction.PRICE_UPDATE]),
    "retirement set and removed": (retire_model, [TelemetryAction.RETIREMENT_SET, TelemetryAction.RETIREMENT_DELETE]),
    "price list updated": (lambda s: add_price_list(content=PRICE_LIST_FILE), [TelemetryAction.PRICES_UPDATE]),
    "calls repriced": (lambda s: call_command("reprice", since="2026-01-01"), [TelemetryAction.CALLS_REPRICE] * 2),
    "calls exported": (lambda s: s.as_admin.get("/telemetry/export.csv"), [TelemetryAction.CALLS_EXPORT]),
    "view of calls saved, renamed, shared and deleted": (
        change_view,
        [
            TelemetryAction.VIEW_CREATE,
            TelemetryAction.VIEW_RENAME,
            TelemetryAction.VIEW_SHARE,
            TelemetryAction.VIEW_DELETE,
        ],
    ),
}
