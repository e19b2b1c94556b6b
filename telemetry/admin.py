"""Calls for administrators, to look at only; and the prices that they set."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse

from accounts.administration.actions import administrator
from audit.admin_base import Audited, ReadOnly
from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.models import Generation, GenerationContent, PriceOverride
from telemetry.services import note_content_read

PRICE_FIELDS = (
    "provider",
    "model",
    "valid_from",
    "input_price",
    "cache_read_price",
    "cache_write_price",
    "output_price",
)


@admin.register(Generation)
class GenerationAdmin(ReadOnly[Generation]):
    list_display = ("started_at", "user", "provider", "request_model", "status", "error_type", "cost")
    list_filter = ("status",)
    list_select_related = ("user",)
    sortable_by = ()
    date_hierarchy = "started_at"
    search_fields = ("id", "conversation_id", "user__email")
    search_help_text = "The id of a call or of a conversation, or the e-mail address of a user"

    @admin.display(description="cost in USD")
    def cost(self, generation: Generation) -> str:
        return "unpriced" if generation.cost_usd is None else f"{generation.cost_usd.normalize():f}"

    def view_on_site(self, generation: Generation) -> str:
        return generation.get_absolute_url()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Generation], search_term: str
    ) -> tuple[QuerySet[Generation], bool]:
        """Whole ids and addresses only, which the indexes find."""
        term = search_term.strip()
        try:
            key = UUID(term)
        except ValueError:
            return (queryset.filter(user__email=term.lower()) if term else queryset), False
        return queryset.filter(pk=key) | queryset.filter(conversation_id=key), False


@admin.register(GenerationContent)
class GenerationContentAdmin(ReadOnly[GenerationContent]):
    """Opening another user's content is recorded in the audit log."""

    list_display = ("generation_id", "started_at", "user", "request_model")
    list_select_related = ("generation__user",)
    fields = ("generation", "sent", "response_text", "reasoning_text")
    readonly_fields = ("sent",)
    ordering = ("-generation__started_at",)
    sortable_by = ()
    search_fields = ("generation_id",)
    search_help_text = "The id of a call"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[GenerationContent], search_term: str
    ) -> tuple[QuerySet[GenerationContent], bool]:
        """Never by text: that would be reading without an audit entry."""
        try:
            return (queryset.filter(pk=UUID(search_term.strip())) if search_term else queryset), False
        except ValueError:
            return queryset.none(), False

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if content := self.get_object(request, object_id):
            note_content_read(generation=content.generation, actor=administrator(request))
        return super().change_view(request, object_id, *args, **kwargs)

    def sent(self, content: GenerationContent) -> str:
        return "\n\n".join(f"{message.role}\n{message.text}" for message in content.sent())

    @admin.display(description="started")
    def started_at(self, content: GenerationContent) -> datetime:
        return content.generation.started_at

    def user(self, content: GenerationContent) -> str:
        return str(content.generation.user or "erased")

    @admin.display(description="model")
    def request_model(self, content: GenerationContent) -> str:
        return content.generation.request_model

    def view_on_site(self, content: GenerationContent) -> str:
        return content.generation.get_absolute_url()


@admin.register(PriceOverride)
class PriceOverrideAdmin(Audited[PriceOverride]):
    list_display = (*PRICE_FIELDS, "valid_until")
    list_filter = ("provider",)
    search_fields = ("provider", "model")
    date_hierarchy = "valid_from"
    fieldsets = (
        (None, {"fields": PRICE_FIELDS[:3]}),
        ("USD per million tokens", {"fields": PRICE_FIELDS[3:]}),
    )

    def save_model(
        self, request: HttpRequest, obj: PriceOverride, form: ModelForm[PriceOverride], change: bool
    ) -> None:
        before = _values(PriceOverride.objects.select_for_update().get(pk=obj.pk)) if change else None
        super().save_model(request, obj, form, change)
        obj.refresh_from_db()
        if before == _values(obj):
            return
        action = TelemetryAction.PRICE_UPDATE if change else TelemetryAction.PRICE_CREATE
        record(action=action, actor=administrator(request), target=obj, before=before, after=_values(obj))

    def delete_model(self, request: HttpRequest, obj: PriceOverride) -> None:
        with transaction.atomic():
            pk = obj.pk
            super().delete_model(request, obj)
            obj.pk = pk
            record(action=TelemetryAction.PRICE_DELETE, actor=administrator(request), target=obj, before=_values(obj))


def _values(price: PriceOverride) -> dict[str, Any]:
    return {name: str(getattr(price, name)) for name in PRICE_FIELDS}
