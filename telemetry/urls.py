from __future__ import annotations

from django.urls import path

from telemetry import views
from telemetry.call_page import views as call_page
from telemetry.costs import views as costs
from telemetry.prices import views as prices

app_name = "telemetry"

urlpatterns = [
    path("", views.generation_list, name="generation-list"),
    path("export.csv", views.generation_export, {"file_format": "csv"}, name="generation-export-csv"),
    path("export.jsonl", views.generation_export, {"file_format": "jsonl"}, name="generation-export-jsonl"),
    path("costs/", costs.costs, name="costs"),
    path("costs/budget/", costs.budget_edit, name="budget-edit"),
    path("prices/", prices.price_list, name="price-list"),
    path("prices/add/", prices.price_add, name="price-add"),
    path("prices/retirement/", prices.retirement_edit, name="retirement-edit"),
    path("prices/<int:pk>/", prices.price_change, name="price-change"),
    path("prices/<int:pk>/end/", prices.price_end, name="price-end"),
    path("<uuid:pk>/", call_page.generation_detail, name="generation-detail"),
    path("<uuid:pk>/curl/", call_page.generation_curl, name="generation-curl"),
    path("<uuid:pk>/rate/", views.generation_rate, name="generation-rate"),
]
