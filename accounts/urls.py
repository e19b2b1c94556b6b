"""Our own account pages; those of django-allauth are routed in ``aistrale.urls`` under the names it looks up."""

from __future__ import annotations

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("setup/<str:token>/", views.setup, name="setup"),
    path("checklist/", views.checklist, name="checklist"),
    path("theme/", views.theme, name="theme"),
]
