from __future__ import annotations

from django.urls import path

from telemetry import views

app_name = "telemetry"

urlpatterns = [
    path("", views.generation_list, name="generation-list"),
    path("export.csv", views.generation_export, {"file_format": "csv"}, name="generation-export-csv"),
    path("export.jsonl", views.generation_export, {"file_format": "jsonl"}, name="generation-export-jsonl"),
    path("<uuid:pk>/", views.generation_detail, name="generation-detail"),
    path("<uuid:pk>/rate/", views.generation_rate, name="generation-rate"),
]
