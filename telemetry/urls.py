from __future__ import annotations

from django.urls import path

from telemetry import views
from telemetry.explorer import view_pages
from telemetry.explorer import views as explorer
from telemetry.exports.stream import CONTENT_TYPES

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
    path("<uuid:pk>/", views.generation_detail, name="generation-detail"),
    path("<uuid:pk>/rate/", views.generation_rate, name="generation-rate"),
]
