from __future__ import annotations

from django.urls import path

from tokens import host_views, key_views, views

app_name = "tokens"
urlpatterns = [
    path("", views.token_list, name="token-list"),
    path("add/", views.token_add, name="token-add"),
    path("<uuid:token_id>/edit/", views.token_edit, name="token-edit"),
    path("<uuid:token_id>/replace/", views.token_replace, name="token-replace"),
    path("<uuid:token_id>/check/", views.token_check, name="token-check"),
    path("<uuid:token_id>/default/", views.token_default, name="token-default"),
    path("<uuid:token_id>/delete/", views.token_delete, name="token-delete"),
    path("base-url/", host_views.base_url_hint, name="base-url-hint"),
    path("hosts/", host_views.host_list, name="host-list"),
    path("hosts/<int:pk>/remove/", host_views.host_remove, name="host-remove"),
    path("keys/", key_views.key_list, name="key-list"),
    path("keys/rotate/", key_views.key_rotate, name="key-rotate"),
    path("keys/rotations/<uuid:rotation_id>/", key_views.rotation_detail, name="rotation-detail"),
]
