"""How people get in, for administrators: their sessions, which they can end, and that there are second factors."""

from __future__ import annotations

from typing import Any

from allauth.mfa.admin import Authenticator
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.administration.actions import administrator
from accounts.login.reauthentication import require_confirmation
from accounts.models import User, UserSession
from accounts.sessions.services import end_sessions
from accounts.sessions.store import key_digest
from audit.admin_base import Audited, ReadOnly
from audit.services import batch


class UserSessionAdmin(Audited[UserSession]):
    """To delete one is to end it. The one in which the administrator is ends by logging out."""

    fields = list_display = ("user", "device", "address", "started_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=address")
    search_help_text = "E-mail address of a user, or address of a device"
    date_hierarchy = "last_seen_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        return False

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
            messages.warning(request, "The session in which you are now is left out: it ends when you log out.")
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
    search_help_text = "E-mail address of a user"
    date_hierarchy = "created_at"
