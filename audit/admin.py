"""The log in Django admin, for reading only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property

from audit.models import AuditEvent, AuditVerification

if TYPE_CHECKING:
    _EventAdmin = admin.ModelAdmin[AuditEvent]
    _VerificationAdmin = admin.ModelAdmin[AuditVerification]
else:
    _EventAdmin = _VerificationAdmin = admin.ModelAdmin


class ReadOnly:
    """Nobody adds, changes or deletes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class GaplessPaginator(Paginator[AuditEvent]):
    """Counts without reading the table, where nothing is filtered: the newest entry's number is their count."""

    @cached_property
    def count(self) -> int:
        events = cast("QuerySet[AuditEvent]", self.object_list)
        if events.query.where:
            return events.count()
        return events.values_list("sequence", flat=True).order_by("-sequence").first() or 0


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, _EventAdmin):
    list_display = ("sequence", "timestamp", "action", "outcome", "actor_name", "target_type", "target_id", "source")
    list_filter = ("outcome",)
    list_select_related = ("details",)
    search_fields = ("=actor", "=target_id")
    search_help_text = "Pseudonym of a person, or id of an object"
    show_full_result_count = False
    paginator = GaplessPaginator
    list_per_page = 50

    @admin.display(description="actor")
    def actor_name(self, event: AuditEvent) -> Any:
        personal = event.details.personal if hasattr(event, "details") else {}
        return personal.get("actor") or event.actor

    def view_on_site(self, event: AuditEvent) -> str:
        return reverse("audit:event-detail", args=[event.sequence])


@admin.register(AuditVerification)
class AuditVerificationAdmin(ReadOnly, _VerificationAdmin):
    list_display = ("verified_at", "sequence", "problem_sequence", "problem")
