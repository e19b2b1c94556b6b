from __future__ import annotations

from django.urls import path

from audit import views

app_name = "audit"

urlpatterns = [
    path("", views.event_list, name="event-list"),
    path("checkpoints/", views.checkpoint_list, name="checkpoint-list"),
    path("<int:sequence>/", views.event_detail, name="event-detail"),
    path("export.csv", views.event_export, {"file_format": "csv"}, name="event-export-csv"),
    path("export.jsonl", views.event_export, {"file_format": "jsonl"}, name="event-export-jsonl"),
]
