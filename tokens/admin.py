"""Tokens and keys for administrators: to look at, and to take a token away. No secret, no key material."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from accounts.administration.actions import administrator
from audit.admin_base import DeleteOnly, ReadOnly
from tokens import services
from tokens.models import EncryptionKey, ProviderToken, Rotation


@admin.register(ProviderToken)
class ProviderTokenAdmin(DeleteOnly[ProviderToken]):
    fields = (
        "provider", "label", "owner", "base_url", "visibility", "team", "is_default", "hint", "fingerprint", "state",
        "checked_at", "check_message", "last_used_at", "expires_at", "created_at",
    )  # fmt: skip
    list_display = ("label", "provider", "owner", "hint", "state", "visibility", "team", "last_used_at", "expires_at")
    list_filter = ("provider", "state", "visibility")
    list_select_related = ("owner", "team")
    search_fields = ("label", "owner__email", "fingerprint")
    date_hierarchy = "created_at"

    def delete_model(self, request: HttpRequest, obj: ProviderToken) -> None:
        services.delete_token(token=obj, actor=administrator(request))


@admin.register(EncryptionKey)
class EncryptionKeyAdmin(ReadOnly[EncryptionKey]):
    fields = ("id", "state", "master_key_id", "created_at", "primary_since", "primary_until", "retired_at")
    list_display = fields
    list_filter = ("state",)
    search_fields = ("id", "master_key_id")
    date_hierarchy = "created_at"

    def view_on_site(self, key: EncryptionKey) -> str:
        return reverse("tokens:key-list")


@admin.register(Rotation)
class RotationAdmin(ReadOnly[Rotation]):
    list_display = ("started_at", "trigger", "started_by", "step", "resealed", "finished_at")
    list_filter = ("trigger", "step")
    list_select_related = ("started_by",)
    date_hierarchy = "started_at"

    def view_on_site(self, run: Rotation) -> str:
        return reverse("tokens:rotation-detail", args=[run.pk])
