from __future__ import annotations

from django.urls import path

from telemetry import views

app_name = "telemetry"

urlpatterns = [
    path("", views.generation_list, name="generation-list"),
    path("<uuid:pk>/", views.generation_detail, name="generation-detail"),
]
