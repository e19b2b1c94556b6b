from __future__ import annotations

from django.urls import path

from telemetry.call_page import views as call_page
from telemetry.costs import views as costs
from telemetry.explorer import view_pages
from telemetry.explorer import views as explorer
from telemetry.exports.stream import CONTENT_TYPES
from telemetry.prices import views as prices

app_name = "telemetry"

urlpatterns = [
    path("", explorer.generation_list, name="generation-list"),
    path("summary/", explorer.generation_summary, name="generation-summary"),
    path("new/", explorer.generation_new, name="generation-new"),
    *(
        path(f"export.{name}", explorer.generation_export, {"file_format": name}, name=f"generation-export-{name}")
        for name in CONTENT_TYPES
    ),
    path("views/add/", view_pages.view_add, name="view-add"),
    path("views/<uuid:pk>/rename/", view_pages.view_rename, name="view-rename"),
    path("views/<uuid:pk>/share/", view_pages.view_share, name="view-share"),
    path("views/<uuid:pk>/delete/", view_pages.view_delete, name="view-delete"),
    path("costs/", costs.costs, name="costs"),
    path("costs/budget/", costs.budget_edit, name="budget-edit"),
    path("prices/", prices.price_list, name="price-list"),
    path("prices/add/", prices.price_add, name="price-add"),
    path("prices/retirement/", prices.retirement_edit, name="retirement-edit"),
    path("prices/<int:pk>/", prices.price_change, name="price-change"),
    path("prices/<int:pk>/end/", prices.price_end, name="price-end"),
    path("<uuid:pk>/", call_page.generation_detail, name="generation-detail"),
    path("<uuid:pk>/curl/", call_page.generation_curl, name="generation-curl"),
    path("<uuid:pk>/rate/", call_page.generation_rate, name="generation-rate"),
]
