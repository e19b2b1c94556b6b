"""What the admin pages of all apps have in common: the log as their only history, and tables too large to count."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar, cast
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

M = TypeVar("M", bound=Model)


class CappedPaginator(Paginator[Any]):
    """Counts no further than somebody would page: counting all rows of a large table takes seconds."""

    MOST_COUNTED: ClassVar[int] = 10_000

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Model]", self.object_list)
        return rows.order_by()[: self.MOST_COUNTED].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= self.MOST_COUNTED


class Audited(admin.ModelAdmin[M], Generic[M]):
    """For every ModelAdmin. Django's own history holds names that would outlive an erasure, and nothing protects it."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    list_per_page = 50

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """The services record."""

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """The services record."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """The services record."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What the log has about the object, also when the object is gone."""
        named = getattr(self.get_object(request, unquote(object_id)), "audit_id", unquote(object_id))
        filters = urlencode({"target": f"{self.opts.label_lower}:{named}"})
        return HttpResponseRedirect(f"{reverse('audit:event-list')}?{filters}")


class ReadOnly(Audited[M], Generic[M]):
    """Nobody adds, changes or deletes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
