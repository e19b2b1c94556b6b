"""Views of the list of calls that somebody has saved."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

from accounts.sharing import Shared, SharedQuerySet


class SavedViewQuerySet(SharedQuerySet["SavedView"]):
    pass


class SavedView(Shared):
    """Filters, order and columns by a name. Whose calls it shows is up to whoever looks at it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True, help_text="Of the address of the list, from the question mark on.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[SavedView]] = SavedViewQuerySet.as_manager()

    class Meta(Shared.Meta):
        ordering: ClassVar[list[str]] = ["name", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *Shared.Meta.constraints,
            models.UniqueConstraint(fields=["owner", "name"], name="one_saved_view_by_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('telemetry:generation-list')}{self.query}"
