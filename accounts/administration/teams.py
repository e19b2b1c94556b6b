"""Teams for administrators, with their members. Deleting one asks on the site, which says what becomes private."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.utils import unquote
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms import BaseInlineFormSet, ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.administration.actions import administrator
from accounts.models import Membership, Team, User
from accounts.teams import services as team_services
from audit.admin_base import Audited

if TYPE_CHECKING:
    MemberInlineBase = admin.StackedInline[Membership, Team]
    TeamForm = ModelForm[Team]
    MemberFormSet = BaseInlineFormSet[Membership, Team, ModelForm[Membership]]
else:
    MemberInlineBase, TeamForm, MemberFormSet = admin.StackedInline, ModelForm, BaseInlineFormSet


# A form has no more than 1,000 fields, of which each member takes three.
MOST_MEMBERS = 200
_TAKEN_OUT = re.compile(r"memberships-(\d+)-DELETE")


class MemberInline(MemberInlineBase):
    model = Membership
    autocomplete_fields = ("user",)
    extra = 0
    verbose_name, verbose_name_plural = "member", "members"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "team")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Those who can log in, as on the site."""
        return super().formfield_for_foreignkey(
            db_field, request, **kwargs | {"queryset": User.objects.filter(is_active=True)}
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Somebody is put in or taken out, never made somebody else."""
        return False


class TeamAdmin(Audited[Team]):
    readonly_fields = ("all_members",)
    list_display = ("name", "members_count", "created_at")
    search_fields = ("name",)
    date_hierarchy = "created_at"
    actions = None

    def get_fields(self, request: HttpRequest, obj: Team | None = None) -> list[Any]:
        return ["name", "all_members"] if obj else ["name"]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[type[InlineModelAdmin[Any, Any]]]:
        return [] if obj and obj.members_count > MOST_MEMBERS else [MemberInline]

    @admin.display(description="members")
    def all_members(self, counted: Any) -> SafeString:
        """Where they are searched, added and removed, however many there are."""
        return format_html(
            '<a href="{}">{} on the site</a>', reverse("accounts:team-detail", args=[counted.pk]), counted.members_count
        )

    def consequences(self, form: TeamForm) -> list[str]:
        ids = [form.data.get(f"memberships-{row[1]}-id", "") for row in map(_TAKEN_OUT.fullmatch, form.data) if row]
        leaving = form.instance.memberships.filter(pk__in=filter(str.isdecimal, ids)).select_related("user")
        return [
            f"{membership.user.get_full_name()} can no longer see what others share with the team. "
            f"{team_services.humanize_privacy_loss(form.instance, owner=membership.user)}"
            for membership in leaving
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """Members are counted of the teams that are shown, not of all."""
        members = Membership.objects.filter(team=OuterRef("pk")).order_by().values("team").annotate(count=Count("pk"))
        counted = Coalesce(Subquery(members.values("count")), 0)
        return super().get_queryset(request).annotate(members_count=counted)

    @admin.display(description="members", ordering="members_count")
    def members_count(self, counted: Any) -> int:
        return int(counted.members_count)

    def save_model(self, request: HttpRequest, obj: Team, form: TeamForm, change: bool) -> None:
        actor = administrator(request)
        if not change:
            obj.pk = team_services.create_team(name=obj.name, actor=actor).pk
        elif "name" in form.changed_data:
            team_services.rename_team(team=obj, name=obj.name, actor=actor)

    def save_formset(self, request: HttpRequest, form: TeamForm, formset: MemberFormSet, change: bool) -> None:
        formset.save(commit=False)
        actor, team = administrator(request), formset.instance
        for membership in formset.deleted_objects:
            team_services.remove_member(team=team, user=membership.user, actor=actor)
        for membership in formset.new_objects:
            team_services.add_member(team=team, user=membership.user, actor=actor)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        team = self.get_object(request, unquote(object_id))
        if team is None:
            raise Http404
        return redirect("accounts:team-delete", team.pk)
