"""For administrators: that there are prompts, versions and moves of labels, not what prompts say; protected labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.administration.actions import administrator
from audit.admin_base import Audited, ReadOnly
from prompts import protection
from prompts.models import LabelMove, Prompt, PromptVersion, ProtectedLabel, Rollout

if TYPE_CHECKING:
    ProtectedLabelForm = ModelForm[ProtectedLabel]
else:
    ProtectedLabelForm = ModelForm


@admin.register(Prompt)
class PromptAdmin(ReadOnly[Prompt]):
    list_display = ("name", "type", "owner", "visibility", "team", "last_number", "is_archived", "updated_at")
    list_filter = ("type", "visibility", "is_archived")
    list_select_related = ("owner", "team")
    sortable_by = ()
    search_fields = ("name", "owner__email")
    search_help_text = "The name of a prompt, or the email address of its owner"
    fields = (
        "name", "type", "owner", "visibility", "team", "readers_may_edit", "is_archived", "last_number", "created_at",
        "updated_at",
    )  # fmt: skip


@admin.register(PromptVersion)
class PromptVersionAdmin(ReadOnly[PromptVersion]):
    list_display = ("prompt", "number", "author", "made_from", "created_at")
    list_select_related = ("prompt", "author")
    sortable_by = ()
    ordering = ("-pk",)
    search_fields = ("prompt__name", "author__email")
    search_help_text = "The name of a prompt, or the email address of an author"
    fields = ("prompt", "number", "author", "made_from", "provider", "model", "created_at")


@admin.register(LabelMove)
class LabelMoveAdmin(ReadOnly[LabelMove]):
    list_display = ("prompt", "label", "from_version", "to_version", "actor", "at")
    list_select_related = ("prompt", "actor")
    sortable_by = ()
    search_fields = ("prompt__name", "label", "actor__email")
    search_help_text = "The name of a prompt, a label, or the email address of a user"
    fields = ("prompt", "label", "from_version", "to_version", "reason", "actor", "at")


@admin.register(Rollout)
class RolloutAdmin(ReadOnly[Rollout]):
    list_display = ("prompt", "label", "from_version", "to_version", "percent", "state", "started_at", "ended_at")
    list_filter = ("state",)
    list_select_related = ("prompt",)
    sortable_by = ()
    search_fields = ("prompt__name", "label")
    search_help_text = "The name of a prompt, or a label"
    fields = (
        "prompt", "label", "from_version", "to_version", "percent", "reason", "min_calls", "max_error_percent",
        "max_seconds_p95", "max_usd_per_call", "state", "started_by", "started_at", "ended_by", "ended_at",
        "end_reason",
    )  # fmt: skip


@admin.register(ProtectedLabel)
class ProtectedLabelAdmin(Audited[ProtectedLabel]):
    list_display = ("name", "approval", "created_at")
    fields = ("name", "approval")
    sortable_by = ()

    def get_readonly_fields(self, request: HttpRequest, obj: ProtectedLabel | None = None) -> tuple[str, ...]:
        """Another name would lift the protection of this one."""
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: ProtectedLabel, form: ProtectedLabelForm, change: bool) -> None:
        if form.changed_data:
            protection.protect_label(protected=obj, actor=administrator(request))

    def delete_model(self, request: HttpRequest, obj: ProtectedLabel) -> None:
        protection.unprotect_label(protected=obj, actor=administrator(request))
