"""What the admin pages of all apps have in common: the log as their only history, and tables too large to count."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.services import batch

M = TypeVar("M", bound=Model)


class CappedPaginator(Paginator[Any]):
    """Stops counting where nobody would page to: a count of a large table takes seconds."""

    MOST_COUNTED: ClassVar[int] = 10_000

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Model]", self.object_list)
        return rows.order_by()[: self.MOST_COUNTED].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= self.MOST_COUNTED


class Audited(admin.ModelAdmin[M], Generic[M]):
    """Base of every ModelAdmin. Writes no LogEntry: names in it would outlive an erasure, and nothing protects it.

    What is done to several things at once is done to all of them or to none.
    """

    # Its question names each, and a form has a limit of fields.
    MOST_AT_ONCE: ClassVar[int] = 500

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    list_per_page = 50

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only by what the list shows or filters by: hidden values could be guessed by lookups, letter by letter."""
        filters = [getattr(one, "parameter_name", one) for one in self.list_filter]
        shown = {self.opts.pk.name, self.date_hierarchy, *self.list_display, *filters}
        return lookup.partition("__")[0] in shown and super().lookup_allowed(lookup, value, request)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """The services record."""

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """The services record."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """The services record."""

    def consequences(self, form: ModelForm[M]) -> list[str]:
        """Sentences that the confirmation of a change shows. Without any, the change is made without confirmation.

        ``form.data`` also has what inlines are sent.
        """
        return []

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        # Recorded together, since whatever locks rows must do so before the log is locked.
        with transaction.atomic(), batch():
            if question := self._question(request, object_id):
                return question
            page: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        return page

    def _question(self, request: HttpRequest, object_id: str | None) -> TemplateResponse | None:
        """None where there is nothing to ask, or it has been answered, or Django says what is wrong with the form."""
        obj = self.get_object(request, unquote(object_id)) if object_id and request.method == "POST" else None
        if obj is None or "confirmed" in request.POST or not self.has_change_permission(request, obj):
            return None
        form = self.get_form(request, obj, change=True)(request.POST, instance=obj)
        told = self.consequences(form) if form.is_valid() else []
        if not told:
            return None
        fields = [(name, text) for name, texts in request.POST.lists() for text in texts if "csrf" not in name]
        title = f"Change the {self.opts.verbose_name}?"
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        # Its name as it is stored, not as it is going to be.
        original = self.get_object(request, unquote(object_id or ""))
        context |= {"original": original, "consequences": told, "fields": fields}
        return TemplateResponse(request, "admin/confirm_change.html", context)

    def response_action(self, request: HttpRequest, queryset: QuerySet[M], *args: Any) -> HttpResponse | None:
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(chosen)
        except ValidationError as error:
            raise BadRequest("What is chosen has no such id.") from error
        is_all = request.POST.get("select_across", "0") != "0"
        if is_all and queryset.order_by()[: self.MOST_AT_ONCE + 1].count() > self.MOST_AT_ONCE:
            many = f"These are more than {self.MOST_AT_ONCE} {self.opts.verbose_name_plural}. Choose fewer at once."
            messages.error(request, many)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *args)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        with transaction.atomic(), batch():
            for obj in queryset:
                self.delete_model(request, obj)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Redirects to the audit entries about the object, which may be deleted already."""
        named = getattr(self.get_object(request, unquote(object_id)), "audit_id", unquote(object_id))
        filters = urlencode({"target": f"{self.opts.label_lower}:{named}"})
        return HttpResponseRedirect(f"{reverse('audit:event-list')}?{filters}")


class DeleteOnly(Audited[M], Generic[M]):
    """Nobody adds or changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnly(DeleteOnly[M], Generic[M]):
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
