"""That there are conversations, for administrators: whose, how many, with which model. Not what was said in them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.admin_base import ReadOnly
from inference.models import Conversation


@admin.register(Conversation)
class ConversationAdmin(ReadOnly[Conversation]):
    list_display = ("id", "owner", "visibility", "team", "provider", "model", "messages", "created_at", "updated_at")
    list_display_links = None
    list_filter = ("visibility", "is_archived")
    list_select_related = ("owner", "team")
    sortable_by = ()
    ordering = ("-created_at",)
    date_hierarchy = "created_at"
    search_fields = ("id", "owner__email")
    search_help_text = "The id of a conversation, or the e-mail address of its owner"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        """Never by words, which would tell what was said."""
        term = search_term.strip()
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            return (queryset.filter(owner__email=term.lower()) if term else queryset), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> None:
        """There is no page of a single one: its title, for one, comes from what was said."""
        return None

    def messages(self, conversation: Conversation) -> Any:
        return conversation.messages.count()
