from __future__ import annotations

from django.urls import path

from telemetry import views
from telemetry.call_page import views as call_page

app_name = "telemetry"

urlpatterns = [
    path("", views.generation_list, name="generation-list"),
    path("export.csv", views.generation_export, {"file_format": "csv"}, name="generation-export-csv"),
    path("export.jsonl", views.generation_export, {"file_format": "jsonl"}, name="generation-export-jsonl"),
    path("<uuid:pk>/", call_page.generation_detail, name="generation-detail"),
    path("<uuid:pk>/curl/", call_page.generation_curl, name="generation-curl"),
    path("<uuid:pk>/rate/", views.generation_rate, name="generation-rate"),
]
