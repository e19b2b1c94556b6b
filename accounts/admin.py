"""Users for administrators: make them, change role and name, deactivate, set a new password. Erasing is on the site."""

from __future__ import annotations

from typing import Any

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashField, ReadOnlyPasswordHashWidget, UserChangeForm
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

from accounts.actions import AccountsAction
from accounts.administration.access import ApiKeyAdmin, FactorAdmin, InvitationAdmin, UserSessionAdmin
from accounts.administration.actions import ACTIONS, administrator, counted
from accounts.administration.teams import TeamAdmin
from accounts.login.reauthentication import require_confirmation
from accounts.models import ApiKey, Invitation, Role, Team, User, UserSession
from accounts.people.services import LastAdministrator, record_last_administrator_refusal, update_user
from accounts.people.views import DEACTIVATE_TEXT, REACTIVATE_TEXT, ROLE_TEXT
from accounts.sessions.services import end_sessions
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


class PasswordState(ReadOnlyPasswordHashWidget):
    """Whether there is one. Django's own shows the beginnings of salt and hash."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        label = "Has a password" if is_password_usable(value) else "Has no password"
        return context | {"summary": [{"label": label}]}


class UserForm(UserChangeForm[User]):
    password = ReadOnlyPasswordHashField(label="Password", widget=PasswordState)


@admin.register(User)
class UserAdmin(Audited[User], DjangoUserAdmin[User]):
    form = UserForm
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
        """The user's page, where the account can be erased as well."""
        return reverse("people:person-detail", args=[user.pk])

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Autocompletion offers active users only, as the Teams page does."""
        match = request.resolver_match
        if match and match.url_name == "autocomplete":
            queryset = queryset.filter(is_active=True)
        return super().get_search_results(request, queryset, search_term)

    def consequences(self, form: ModelForm[User]) -> list[str]:
        told = []
        if "role" in form.changed_data:
            told.append(f"The role becomes {form.instance.get_role_display().lower()}. {ROLE_TEXT}")
        if "is_active" in form.changed_data:
            told.append(REACTIVATE_TEXT if form.instance.is_active else DEACTIVATE_TEXT)
        if "email" in form.changed_data:
            told.append(f"To log in, this person enters {form.instance.email} from now on.")
        return told

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any) -> HttpResponse:
        require_confirmation(request)
        try:
            return super().changeform_view(request, object_id, *args)
        except LastAdministrator as refusal:
            kept = User.objects.get(pk=str(object_id))
            is_demotion = request.POST.get("role") != Role.ADMINISTRATOR
            action = AccountsAction.USER_ROLE if is_demotion else AccountsAction.USER_DEACTIVATE
            record_last_administrator_refusal(user=kept, actor=administrator(request), action=action)
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.path)

    def response_change(self, request: HttpRequest, obj: User) -> HttpResponse:
        """Administrators who have demoted themselves leave the admin site."""
        if obj == request.user and not obj.is_administrator:
            messages.success(request, "You are no longer an administrator.")
            return redirect("dashboard")
        return super().response_change(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        if change:
            return update_user(user=obj, actor=administrator(request))
        super().save_model(request, obj, form, change)
        after = {"role": obj.role, "is_active": obj.is_active}
        record(action=AccountsAction.USER_CREATE, actor=administrator(request), target=obj, after=after)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Of somebody else: one's own is changed on the site, where one has to know the old one."""
        actor, user = administrator(request), self.get_object(request, unquote(id))
        if user == actor:
            return redirect("account_change_password")
        require_confirmation(request)
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if user and User.objects.get(pk=user.pk).password != user.password:
                record(action=AccountsAction.USER_PASSWORD, actor=actor, target=user)
                ended = end_sessions(user=user, actor=actor)
                messages.info(request, f"Signed out {user} ({counted(ended, 'session')})")
        return response
