"""Searching and paging through what an administrator or a member looks at by name: people, members."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django import forms
from django.db.models import Model
from django.http import QueryDict

if TYPE_CHECKING:
    from django.db.models import QuerySet

PAGE_SIZE = 50
M = TypeVar("M", bound=Model)


class Search(forms.Form):
    """What a page's address asks for. Every field is optional, and all that are given must hold."""

    q = forms.CharField(required=False, max_length=200, label="Search", widget=forms.TextInput({"type": "search"}))
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self._query = data

    @property
    def is_narrowed(self) -> bool:
        return any(self.data.get(field.name) for field in self.visible_fields())

    @property
    def number(self) -> int:
        """Of the page, from 1 on."""
        return (self.is_valid() and self.cleaned_data["page"]) or 1

    def rows_of_page(self, rows: QuerySet[M], *, size: int = PAGE_SIZE) -> tuple[list[M], bool]:
        """And whether there are more. No page is counted that nobody looks at."""
        start = (self.number - 1) * size
        listed = list(rows[start : start + size + 1])
        return listed[:size], len(listed) > size

    def pages(self, *, has_more: bool) -> dict[str, str]:
        """The addresses of the pages before and after, for ``accounts/_pages.html``."""
        return {
            "newer": self._url_of(self.number - 1) if self.number > 1 else "",
            "older": self._url_of(self.number + 1) if has_more else "",
        }

    def _url_of(self, number: int) -> str:
        query = self._query.copy()
        query["page"] = str(number)
        return f"?{query.urlencode()}"
