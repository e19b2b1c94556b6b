from __future__ import annotations

from django.urls import path

from inference.search import palette_views, settings_views, views
from inference.search.topics import views as topic_views

app_name = "search"
urlpatterns = [
    path("", views.search_page, name="search"),
    path("palette/", palette_views.palette, name="palette"),
    path("similar/calls/<uuid:pk>/", views.similar_calls, name="similar-calls"),
    path("similar/prompts/", views.similar_prompts, name="similar-prompts"),
    path("settings/", settings_views.settings_page, name="settings"),
    path("settings/consent/", settings_views.consent, name="consent"),
    path("settings/embedder/", settings_views.embedder_change, name="embedder-change"),
    path("settings/embedder/remove/", settings_views.embedder_remove, name="embedder-remove"),
    path("topics/", topic_views.topic_list, name="topic-list"),
]
