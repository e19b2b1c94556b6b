"""``GET /api/search``: a search with the rights of the API key's user."""

from __future__ import annotations

from typing import Any

from ninja import Field, Query, Router, Schema

from accounts.api.auth import AUTH, ApiRequest, granted
from accounts.api.errors import Error
from accounts.profile.scopes import READ_SEARCH
from inference.search import query_text
from inference.search.models import Kind
from inference.search.scopes import Filters
from inference.search.searching import search
from inference.search.shown import as_json
from telemetry.models import Status

router = Router(auth=AUTH, tags=["Search"])
_ERRORS = dict.fromkeys((400, 401, 403, 422, 429), Error)


class SearchQuery(Schema):
    """Filters that are given must all hold."""

    q: str = Field(min_length=1, max_length=100_000, description="Words, and “quoted” text that must occur literally.")
    limit: int = Field(20, ge=1, le=100)
    kind: Kind | None = None
    provider: str = Field("", max_length=30)
    model: str = Field("", max_length=200)
    status: Status | None = None


class SearchHit(Schema):
    """``snippet``: pieces of text, of which those that were found are ``marked``.

    ``same``: how many identical calls among the results it stands for, itself included.
    """

    kind: str
    id: str
    title: str
    url: str
    at: str
    status: str
    same: int
    reasons: list[str]
    snippet: list[dict[str, Any]]


class SearchResults(Schema):
    """``notice`` says what was not done, such as that an embedding provider did not answer."""

    data: list[SearchHit]
    notice: str
    hasMore: bool


@router.get("/search", response={200: SearchResults, **_ERRORS})
def search_everything(request: ApiRequest, query: Query[SearchQuery]) -> dict[str, Any]:
    """Calls, conversations and prompts by meaning and words. Calls are the user's own."""
    granted(request, READ_SEARCH)
    filters = Filters(kind=query.kind or "", provider=query.provider, model=query.model, status=query.status or "")
    found = search(viewer=request.user, query=query_text.read(query.q), filters=filters, limit=query.limit)
    data = [as_json(hit, request.build_absolute_uri) for hit in found.hits]
    return {"data": data, "notice": found.notice, "hasMore": found.has_more}
