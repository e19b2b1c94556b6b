"""Tokens and keys for administrators: to look at, and to take a token away. No secret, no key material."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from tokens import services
from tokens.models import EncryptionKey, ProviderToken, Rotation

if TYPE_CHECKING:
    TokenAdminBase = admin.ModelAdmin[ProviderToken]
    AnyAdminBase = admin.ModelAdmin[models.Model]
else:
    TokenAdminBase = AnyAdminBase = admin.ModelAdmin


@admin.register(ProviderToken)
class ProviderTokenAdmin(TokenAdminBase):
    fields = (
        "provider",
        "label",
        "owner",
        "base_url",
        "visibility",
        "team",
        "is_default",
        "hint",
        "fingerprint",
        "state",
        "checked_at",
        "check_message",
        "last_used_at",
        "expires_at",
        "created_at",
    )
    list_display = ("label", "provider", "owner", "hint", "state", "visibility", "team", "last_used_at", "expires_at")
    list_filter = ("provider", "state", "visibility")
    list_select_related = ("owner", "team")
    search_fields = ("label", "owner__email", "fingerprint")
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ProviderToken | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: ProviderToken) -> None:
        services.delete_token(token=obj, actor=_administrator(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProviderToken]) -> None:
        for token in queryset.select_related("owner"):
            services.delete_token(token=token, actor=_administrator(request))


class ReadOnly(AnyAdminBase):
    """The keys page of the site rotates keys; here they are only looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(EncryptionKey)
class EncryptionKeyAdmin(ReadOnly):
    fields = (
        "id",
        "state",
        "master_key_id",
        "created_at",
        "primary_since",
        "primary_until",
        "retired_at",
    )
    list_display = fields
    list_filter = ("state",)


@admin.register(Rotation)
class RotationAdmin(ReadOnly):
    list_display = ("started_at", "trigger", "started_by", "step", "resealed", "finished_at")
    list_filter = ("trigger", "step")
    list_select_related = ("started_by",)
    date_hierarchy = "started_at"


def _administrator(request: HttpRequest) -> User:
    """Nobody else passes the doors of the admin site."""
    if not isinstance(request.user, User):
        raise TypeError("The admin site was entered without an account.")
    return request.user
