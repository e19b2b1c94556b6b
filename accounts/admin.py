"""Users, and how they get in (sessions, second factors, invitations, API keys), for administrators.

Users are made, changed and deactivated here; erasing them is on the site. To delete one of the others is to end,
withdraw or revoke it.
"""

from __future__ import annotations

from typing import Any

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
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
from accounts.administration.actions import ACTIONS, administrator
from accounts.administration.teams import TeamAdmin
from accounts.login.reauthentication import require_confirmation
from accounts.models import ApiKey, Invitation, Team, User, UserSession
from accounts.people import invitations
from accounts.people.services import LastAdministrator, update_user
from accounts.people.views import DEACTIVATE_TEXT, REACTIVATE_TEXT, ROLE_TEXT
from accounts.profile import api_keys
from accounts.sessions.services import end_sessions
from accounts.sessions.store import key_digest
from audit.admin_base import Audited, DeleteOnly, ReadOnly
from audit.services import batch, record
from audit.text import counted

# Rights come from the role alone, a user has one address, and single sign-on has no facts to edit.
for model in (Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)
admin.site.register(Team, TeamAdmin)


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
            refusal.record(actor=administrator(request))
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
        record(action=AccountsAction.USER_CREATE, actor=administrator(request), target=obj, after=obj.rights)

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


@admin.register(UserSession)
class UserSessionAdmin(DeleteOnly[UserSession]):
    """The administrator's own current session is left out: it ends by logging out."""

    fields = list_display = ("user", "device", "address", "started_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=address")
    search_help_text = "Email of a user, or address of a device"
    date_hierarchy = "last_seen_at"

    def has_delete_permission(self, request: HttpRequest, obj: UserSession | None = None) -> bool:
        is_own = obj is not None and obj.digest == _own_digest(request)
        return not is_own and super().has_delete_permission(request, obj)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        require_confirmation(request)
        return super().delete_view(request, *args, **kwargs)

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


@admin.register(Authenticator)
class FactorAdmin(ReadOnly[Authenticator]):
    """What a factor is made of is not shown. Removing all of somebody's is an action in the list of users."""

    fields = list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)
    search_help_text = "Email of a user"
    date_hierarchy = "created_at"


@admin.register(Invitation)
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
        user = invitation.user_id
        return reverse("people:person-detail", args=[user]) if user else reverse("people:person-list")


@admin.register(ApiKey)
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
