"""The log in Django admin, for reading only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.actions import Outcome
from audit.admin_base import ReadOnly
from audit.models import AuditEvent, AuditVerification


class TimeFilter(admin.SimpleListFilter):
    """Django's own filter takes a generated column for no date and would list every value."""

    title, parameter_name = "time", "since"
    DAYS: ClassVar[dict[str, int]] = {"Past day": 1, "Past 7 days": 7, "Past 30 days": 30, "Past year": 365}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(days), label) for label, days in self.DAYS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        days = self.value() or ""
        if days not in {str(number) for number in self.DAYS.values()}:
            return queryset
        return queryset.filter(timestamp__gte=timezone.now() - timedelta(days=int(days)))


class OutcomeFilter(admin.SimpleListFilter):
    title = parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(outcome.value, outcome.value) for outcome in Outcome]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        return queryset.filter(outcome=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly[AuditEvent]):
    list_display = ("sequence", "timestamp", "action", "outcome", "actor_name", "target_type", "target_id", "source")
    # Not a date hierarchy: its first question, for the oldest time, would read the whole table.
    list_filter = (TimeFilter, OutcomeFilter)
    list_select_related = ("details",)
    sortable_by = ("sequence",)
    search_fields = ("action", "actor", "target_type", "target_id")
    search_help_text = "An action, the pseudonym of a person, or the type of an object and its id: tokens.rotation:5"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Whole values only, which the indexes find."""
        term = search_term.strip()
        target_type, colon, target_id = term.partition(":")
        if not term:
            return queryset, False
        if "." in target_type and colon:
            return queryset.filter(target_type=target_type, target_id=target_id), False
        try:
            return queryset.filter(actor=UUID(term)), False
        except ValueError:
            return queryset.filter(action=term), False

    @admin.display(description="actor")
    def actor_name(self, event: AuditEvent) -> Any:
        return event.personal.get("actor") or event.actor

    def view_on_site(self, event: AuditEvent) -> str:
        return reverse("audit:event-detail", args=[event.sequence])


@admin.register(AuditVerification)
class AuditVerificationAdmin(ReadOnly[AuditVerification]):
    list_display = ("verified_at", "sequence", "problem_sequence", "problem")

    def view_on_site(self, verification: AuditVerification) -> str:
        return reverse("audit:checkpoint-list")
