"""Invitations and API keys for administrators. To delete one is to withdraw or revoke it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from accounts.administration.actions import administrator
from accounts.models import ApiKey, Invitation
from accounts.people import invitations
from accounts.profile import api_keys
from audit.admin_base import Audited


class InvitationAdmin(Audited[Invitation]):
    """They are made on the site, where the link is sent or shown."""

    fields = ("email", "name", "role", "state", "invited_by", "user", "created_at", "expires_at", "revoked_at")
    list_display = ("email", "name", "role", "state", "invited_by", "created_at", "expires_at")
    list_filter = ("role", "expires_at")
    list_select_related = ("invited_by",)
    search_fields = ("email", "name", "=invited_by__email")
    search_help_text = "Address or name of whoever is invited, or the whole address of whoever invited"
    date_hierarchy = "created_at"

    @admin.display(description="state")
    def state(self, invitation: Invitation) -> str:
        return str(invitation.state.label)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Invitation) -> None:
        invitations.remove(invitation=obj, actor=administrator(request))

    def view_on_site(self, invitation: Invitation) -> str:
        return (
            reverse("people:person-detail", args=[invitation.user_id])
            if invitation.user_id
            else reverse("people:person-list")
        )


class ApiKeyAdmin(Audited[ApiKey]):
    fields = list_display = ("label", "user", "prefix", "scopes", "created_at", "expires_at", "last_used_at")
    list_filter = ("expires_at",)
    list_select_related = ("user",)
    search_fields = ("label", "=prefix", "=user__email")
    search_help_text = "Name or beginning of a key, or the whole address of its user"
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        api_keys.revoke(key=obj, actor=administrator(request))

    def view_on_site(self, key: ApiKey) -> str:
        return reverse("people:person-detail", args=[key.user_id])
