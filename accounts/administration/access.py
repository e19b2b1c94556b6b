"""How users get in, for administrators: sessions, second factors, invitations and API keys.

To delete one is to end, withdraw or revoke it.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.admin import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.administration.actions import administrator
from accounts.login.reauthentication import require_confirmation
from accounts.models import ApiKey, Invitation, User, UserSession
from accounts.people import invitations
from accounts.profile import api_keys
from accounts.sessions.services import end_sessions
from accounts.sessions.store import key_digest
from audit.admin_base import DeleteOnly, ReadOnly
from audit.services import batch


class UserSessionAdmin(DeleteOnly[UserSession]):
    """The administrator's own current session is left out: it ends by logging out."""

    fields = list_display = ("user", "device", "address", "started_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=address")
    search_help_text = "Email of a user, or address of a device"
    date_hierarchy = "last_seen_at"

    def has_delete_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        return (obj is None or not _is_own(request, obj)) and super().has_delete_permission(request, obj)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_confirmation(request)
        response: HttpResponse = super().delete_view(request, *args, **kwargs)
        return response

    def response_action(self, request: HttpRequest, queryset: QuerySet[UserSession], *args: Any) -> HttpResponse | None:
        require_confirmation(request)
        own = queryset.filter(digest=_own_digest(request)).first()
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if own and str(own.pk) in chosen:
            messages.warning(request, "Your current session was left out. It ends when you log out.")
            if set(chosen) == {str(own.pk)}:
                return redirect(request.get_full_path())
        return super().response_action(request, queryset.exclude(pk=own.pk) if own else queryset, *args)

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        end_sessions(user=obj.user, actor=administrator(request), only=[obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[UserSession]) -> None:
        ending = list(queryset.values_list("pk", flat=True))
        with transaction.atomic(), batch():
            for user in User.objects.filter(sessions__in=ending).distinct():
                end_sessions(user=user, actor=administrator(request), only=ending)


def _own_digest(request: HttpRequest) -> str:
    return key_digest(str(request.session.session_key))


def _is_own(request: HttpRequest, session: UserSession) -> bool:
    return session.digest == _own_digest(request)


class FactorAdmin(ReadOnly[Authenticator]):
    """What a factor is made of is not shown. Removing all of somebody's is an action in the list of users."""

    fields = list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    search_help_text = "Email of a user"
    date_hierarchy = "created_at"


class InvitationAdmin(DeleteOnly[Invitation]):
    """They are made on the site, where the link is sent or shown."""

    fields = ("email", "name", "role", "state", "invited_by", "user", "created_at", "expires_at", "revoked_at")
    list_display = ("email", "name", "role", "state", "invited_by", "created_at", "expires_at")
    list_filter = ("role", "expires_at")
    list_select_related = ("invited_by",)
    search_fields = ("email", "name", "=invited_by__email")
    search_help_text = "Email or name of the invited user, or the full email of the inviting one"
    date_hierarchy = "created_at"

    @admin.display(description="state")
    def state(self, invitation: Invitation) -> str:
        return str(invitation.state.label)

    def delete_model(self, request: HttpRequest, obj: Invitation) -> None:
        invitations.remove(invitation=obj, actor=administrator(request))

    def view_on_site(self, invitation: Invitation) -> str:
        return (
            reverse("people:person-detail", args=[invitation.user_id])
            if invitation.user_id
            else reverse("people:person-list")
        )


class ApiKeyAdmin(DeleteOnly[ApiKey]):
    fields = list_display = ("label", "user", "prefix", "scopes", "created_at", "expires_at", "last_used_at")
    list_filter = ("expires_at",)
    list_select_related = ("user",)
    search_fields = ("label", "=prefix", "=user__email")
    search_help_text = "Name or beginning of a key, or the whole address of its user"
    date_hierarchy = "created_at"

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        api_keys.revoke(key=obj, actor=administrator(request))

    def view_on_site(self, key: ApiKey) -> str:
        return reverse("people:person-detail", args=[key.user_id])
