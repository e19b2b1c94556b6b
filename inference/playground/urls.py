from __future__ import annotations

from django.urls import path

from inference.playground import panel_views, views

app_name = "playground"
urlpatterns = [
    path("", views.playground_list, name="playground-list"),
    path("add/", views.playground_add, name="playground-add"),
    path("<uuid:pk>/", views.playground_detail, name="playground-detail"),
    path("<uuid:pk>/rename/", views.playground_rename, name="playground-rename"),
    path("<uuid:pk>/share/", views.playground_share, name="playground-share"),
    path("<uuid:pk>/delete/", views.playground_delete, name="playground-delete"),
    path("<uuid:pk>/values/", panel_views.values_save, name="values-save"),
    path("<uuid:pk>/values/<int:set_pk>/fill/", panel_views.values_fill, name="values-fill"),
    path("<uuid:pk>/example-set/", panel_views.example_set_add, name="example-set-add"),
    path("<uuid:pk>/panels/add/", panel_views.panel_add, name="panel-add"),
    path("<uuid:pk>/panels/<int:panel_pk>/", panel_views.panel_save, name="panel-save"),
    path("<uuid:pk>/panels/<int:panel_pk>/code/", panel_views.panel_code, name="panel-code"),
    path("<uuid:pk>/panels/<int:panel_pk>/remove/", panel_views.panel_remove, name="panel-remove"),
]
