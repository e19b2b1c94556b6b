"""Users for administrators: make them, change role and name, deactivate, set a new password. Erasing is on the site."""

from __future__ import annotations

from typing import Any

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.administration.access import FactorAdmin, UserSessionAdmin
from accounts.administration.actions import ACTIONS, administrator
from accounts.administration.people import ApiKeyAdmin, InvitationAdmin
from accounts.administration.teams import TeamAdmin
from accounts.login.reauthentication import require_confirmation
from accounts.models import ApiKey, Invitation, Team, User, UserSession
from accounts.people.services import LastAdministrator, record_kept, update_user
from accounts.sessions.services import end_sessions
from audit.actions import Action
from audit.admin_base import Audited
from audit.services import record

# Rights come from the role alone, a user has one address, and single sign-on has no facts to edit.
for model in (Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)
admin.site.register(Team, TeamAdmin)
admin.site.register(UserSession, UserSessionAdmin)
admin.site.register(Authenticator, FactorAdmin)
admin.site.register(Invitation, InvitationAdmin)
admin.site.register(ApiKey, ApiKeyAdmin)


@admin.register(User)
class UserAdmin(Audited[User], DjangoUserAdmin[User]):
    fieldsets = ((None, {"fields": ("email", "password", "name", "role", "is_active", "last_login", "date_joined")}),)
    add_fieldsets = ((None, {"fields": ("email", "name", "role", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")
    list_display = ("email", "name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("email", "name")
    date_hierarchy = "date_joined"
    ordering = ("email",)
    filter_horizontal = ()
    actions = ACTIONS

    def view_on_site(self, user: User) -> str:
        """Where somebody is erased as well."""
        return reverse("people:person-detail", args=[user.pk])

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any) -> HttpResponse:
        require_confirmation(request)
        try:
            response: HttpResponse = super().changeform_view(request, object_id, *args)
        except LastAdministrator as refusal:
            kept = User.objects.get(pk=str(object_id))
            record_kept(user=kept, actor=administrator(request), action=Action.USER_UPDATE)
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.path)
        return response

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        if change:
            return update_user(user=obj, actor=administrator(request))
        super().save_model(request, obj, form, change)
        after = {"role": obj.role, "is_active": obj.is_active}
        record(action=Action.USER_CREATE, actor=administrator(request), target=obj, after=after)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        require_confirmation(request)
        with transaction.atomic():
            before = User.objects.filter(pk=id).values_list("password", flat=True).first()
            response = super().user_change_password(request, id, form_url)
            user = User.objects.filter(pk=id).first()
            if user and user.password != before:
                actor = administrator(request)
                record(action=Action.USER_PASSWORD, actor=actor, target=user)
                keep = request.session.session_key if actor == user else None
                end_sessions(user=user, actor=actor, keep=keep)
        return response
