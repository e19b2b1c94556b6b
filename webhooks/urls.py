from __future__ import annotations

from django.urls import path

from webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.webhook_list, name="webhook-list"),
    path("add/", views.webhook_add, name="webhook-add"),
    path("<uuid:pk>/", views.webhook_detail, name="webhook-detail"),
    path("<uuid:pk>/edit/", views.webhook_edit, name="webhook-edit"),
    path("<uuid:pk>/secret/", views.webhook_secret, name="webhook-secret"),
    path("<uuid:pk>/test/", views.webhook_test, name="webhook-test"),
    path("<uuid:pk>/delete/", views.webhook_delete, name="webhook-delete"),
    path("deliveries/<uuid:pk>/send-again/", views.delivery_send_again, name="delivery-send-again"),
]
