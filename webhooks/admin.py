"""Webhooks for administrators: whose they are and which host they tell. The rest of a URL may be a secret."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from accounts.administration.actions import administrator
from audit.admin_base import DeleteOnly
from webhooks import services
from webhooks.models import Webhook


@admin.register(Webhook)
class WebhookAdmin(DeleteOnly[Webhook]):
    list_display = ("name", "owner", "host", "name_prefix", "is_active", "created_at")
    list_filter = ("is_active",)
    list_select_related = ("owner",)
    sortable_by = ()
    search_fields = ("name", "owner__email")
    search_help_text = "The name of a webhook, or the email address of its owner"
    fields = (
        "name",
        "owner",
        "host",
        "name_prefix",
        "labels",
        "on_moves",
        "on_budgets",
        "is_active",
        "created_at",
        "last_used_at",
    )

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        services.delete_webhook(webhook=obj, actor=administrator(request))
