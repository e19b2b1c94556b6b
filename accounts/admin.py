"""Users for administrators: make them, change role and name, deactivate, set a new password. Nobody is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.admin import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from audit.actions import Action
from audit.services import record

if TYPE_CHECKING:
    UserAdminBase = DjangoUserAdmin[User]
    UserForm = ModelForm[User]
else:
    UserAdminBase, UserForm = DjangoUserAdmin, ModelForm

admin.site.site_header = admin.site.site_title = "AISTRALE administration"
# Rights come from the role alone, and a user has one address.
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)


@admin.register(User)
class UserAdmin(UserAdminBase):
    fieldsets = ((None, {"fields": ("email", "password", "name", "role", "is_active", "last_login", "date_joined")}),)
    add_fieldsets = ((None, {"fields": ("email", "name", "role", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")
    list_display = ("email", "name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: UserForm, change: bool) -> None:
        before = _rights(User.objects.get(pk=obj.pk)) if change else None
        super().save_model(request, obj, form, change)
        action = Action.USER_UPDATE if change else Action.USER_CREATE
        record(action=action, actor=_administrator(request), target=obj, before=before, after=_rights(obj))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            before = User.objects.filter(pk=id).values_list("password", flat=True).first()
            response = super().user_change_password(request, id, form_url)
            user = User.objects.get(pk=id)
            if user.password != before:
                record(action=Action.USER_PASSWORD, actor=_administrator(request), target=user)
        return response


def _rights(user: User) -> dict[str, Any]:
    return {"role": user.role, "is_active": user.is_active}


def _administrator(request: HttpRequest) -> User:
    """Nobody else passes the doors of the admin site."""
    if not isinstance(request.user, User):
        raise TypeError("The admin site was entered without an account.")
    return request.user
