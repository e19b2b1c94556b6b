"""Calls for administrators, to look at only; and the prices that they set."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.models import User
from audit.actions import Action
from audit.admin import ReadOnly
from audit.services import record
from telemetry.models import Generation, GenerationContent, PriceOverride

if TYPE_CHECKING:
    GenerationAdminBase = admin.ModelAdmin[Generation]
    ContentInlineBase = admin.StackedInline[GenerationContent, Generation]
    PriceAdminBase = admin.ModelAdmin[PriceOverride]
    PriceForm = ModelForm[PriceOverride]
else:
    GenerationAdminBase = PriceAdminBase = admin.ModelAdmin
    ContentInlineBase, PriceForm = admin.StackedInline, ModelForm

MOST_COUNTED = 10_000
PRICE_FIELDS = (
    "provider",
    "model",
    "valid_from",
    "input_price",
    "cache_read_price",
    "cache_write_price",
    "output_price",
)


class CappedPaginator(Paginator[Generation]):
    """Counts no further than somebody would page: counting all rows of a large table takes seconds."""

    object_list: QuerySet[Generation]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:MOST_COUNTED].count()


class ContentInline(ReadOnly, ContentInlineBase):
    model = GenerationContent
    can_delete = False
    verbose_name_plural = "what was said"

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Generation)
class GenerationAdmin(ReadOnly, GenerationAdminBase):
    list_display = ("started_at", "user", "provider", "request_model", "status", "error_type", "cost_usd")
    list_filter = ("status",)
    list_select_related = ("user",)
    list_per_page = 50
    sortable_by = ()
    date_hierarchy = "started_at"
    search_fields = ("id", "conversation_id", "user__email")
    search_help_text = "The id of a call or of a conversation, or the e-mail address of a user"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    inlines = (ContentInline,)

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


@admin.register(PriceOverride)
class PriceOverrideAdmin(PriceAdminBase):
    list_display = PRICE_FIELDS
    list_filter = ("provider",)
    search_fields = ("provider", "model")
    fieldsets = (
        (None, {"fields": PRICE_FIELDS[:3]}),
        ("USD per million tokens", {"fields": PRICE_FIELDS[3:]}),
    )

    def save_model(self, request: HttpRequest, obj: PriceOverride, form: PriceForm, change: bool) -> None:
        before = _values(PriceOverride.objects.get(pk=obj.pk)) if change else None
        super().save_model(request, obj, form, change)
        obj.refresh_from_db()
        action = Action.PRICE_UPDATE if change else Action.PRICE_CREATE
        record(action=action, actor=_actor(request), target=obj, before=before, after=_values(obj))

    def delete_model(self, request: HttpRequest, obj: PriceOverride) -> None:
        with transaction.atomic():
            pk = obj.pk
            super().delete_model(request, obj)
            obj.pk = pk
            record(action=Action.PRICE_DELETE, actor=_actor(request), target=obj, before=_values(obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PriceOverride]) -> None:
        with transaction.atomic():
            for price in queryset:
                self.delete_model(request, price)


def _values(price: PriceOverride) -> dict[str, Any]:
    return {name: str(getattr(price, name)) for name in PRICE_FIELDS}


def _actor(request: HttpRequest) -> User:
    return User.objects.administrators().get(email=request.user.get_username())
