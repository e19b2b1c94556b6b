"""The operations below ``/api/public``. Rights are those of the key's user, as far as the scopes of the key go."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from ninja import Query, Router, Status

from accounts.api.auth import AUTH, ApiRequest, granted, require
from accounts.api.errors import ApiError, Error
from accounts.profile.scopes import READ_PROMPTS, WRITE_PROMPTS
from prompts import services
from prompts.api.catalog import page_of
from prompts.api.publishing import check_editable, move_or_propose, publish
from prompts.api.refusals import refusals
from prompts.api.schemas import (
    ListQuery,
    NewLabels,
    NewVersion,
    Number,
    PromptOut,
    PromptPage,
    PromptQuery,
    Proposals,
    VersionQuery,
)
from prompts.api.serving import PromptNotFound, Served, Wanted, as_json, resolved, serve
from prompts.callers import note_read
from prompts.models import PRODUCTION, LabelProposal, Prompt
from prompts.reading import version_of

router = Router(auth=AUTH, tags=["Prompts"])
ONE, VERSION = "/v2/prompts/{path:name}", "/v2/prompts/{path:name}/versions/{version}"
READ_ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422, 429), Error)
WRITE_ERRORS = READ_ERRORS | {413: Error}


@router.get("/v2/prompts", response={200: PromptPage, **READ_ERRORS})
def list_prompts(request: ApiRequest, query: Query[ListQuery]) -> dict[str, Any]:
    """Prompts that are not archived, by name."""
    rows, total = page_of(request.user, query, name_prefixes=granted(request, READ_PROMPTS))
    pages = -(-total // query.limit)
    return {
        "data": rows,
        "meta": {"page": query.page, "limit": query.limit, "totalItems": total, "totalPages": pages},
    }


@router.post("/v2/prompts", response={201: PromptOut, **WRITE_ERRORS})
def create_version(request: ApiRequest, sent: NewVersion) -> Status[Any]:
    """A new version of the prompt with this name, or a new prompt."""
    require(request, WRITE_PROMPTS, sent.name)
    with refusals():
        version = publish(request.user, sent)
        return Status(201, _as_sent(request, version.prompt.name, version.number))


@router.patch(VERSION, response={200: PromptOut, 202: Proposals, **WRITE_ERRORS})
def add_labels(request: ApiRequest, name: str, version: Number, sent: NewLabels) -> Status[Any]:
    """Labels move to this version from the one that has them. Labels that it has already stay.

    The answer is 202 where approval was requested for some of them.
    """
    require(request, WRITE_PROMPTS, name)
    with refusals(), transaction.atomic():
        prompt = _prompt(request, name)
        check_editable(prompt, request.user)
        to = version_of(prompt, version=version)
        proposals = move_or_propose(prompt, to, sent, actor=request.user)
        if proposals:
            return Status(202, {"proposals": [_as_told(proposal, request) for proposal in proposals]})
        return Status(200, _as_sent(request, name, version))


def _as_told(proposal: LabelProposal, request: ApiRequest) -> dict[str, Any]:
    return {
        "id": proposal.pk,
        "label": proposal.label,
        "fromVersion": proposal.from_version,
        "toVersion": proposal.to_version,
        "state": proposal.state,
        "url": request.build_absolute_uri(proposal.get_absolute_url()),
    }


@router.get(VERSION, include_in_schema=False)
def get_prompt_with_version_in_its_name(
    request: ApiRequest, name: str, version: str, query: Query[PromptQuery]
) -> HttpResponseBase:
    """Of a prompt whose name is like the path of a version."""
    return get_prompt(request, f"{name}/versions/{version}", query)


@router.delete(VERSION, include_in_schema=False, response={204: None})
def delete_prompt_with_version_in_its_name(
    request: ApiRequest, name: str, version: str, query: Query[VersionQuery]
) -> Status[None]:
    return delete_versions(request, f"{name}/versions/{version}", query)


@router.get(ONE, response={200: PromptOut, 304: None, **READ_ERRORS})
def get_prompt(request: ApiRequest, name: str, query: Query[PromptQuery]) -> HttpResponseBase:
    """A version of a prompt: by number, by label, or without both the one in ``production``.

    A prompt, version or label that is missing is 404: no other one is given instead.
    """
    require(request, READ_PROMPTS, name)
    with refusals():
        served = serve(request.user, name, wanted(query, query.at, caller=query.user))
        content = resolved(served, request.user, partial(request.auth.allows, READ_PROMPTS)) if query.resolve else None
    note(request, served, query)
    return _cacheable(request, as_json(served, content))


@router.delete(ONE, response={204: None, **WRITE_ERRORS})
def delete_versions(request: ApiRequest, name: str, query: Query[VersionQuery]) -> Status[None]:
    """One version, or without version and label the prompt. A version that a label points at is not deleted."""
    require(request, WRITE_PROMPTS, name)
    with refusals():
        prompt = _prompt(request, name)
        if prompt.owner_id != request.user.pk:
            raise ApiError(403, "not_owner", f"Only the owner of “{name}” may delete it or its versions.")
        if query.version is None and query.label is None:
            services.delete_prompt(prompt=prompt, actor=request.user)
        else:
            chosen = wanted(query)
            version = version_of(prompt, version=chosen.version, label=chosen.label)
            services.delete_version(version=version, actor=request.user)
    return Status(204, None)


def _prompt(request: ApiRequest, name: str) -> Prompt:
    prompt = Prompt.objects.visible_to(request.user).filter(name=name).first()
    if prompt is None:
        raise PromptNotFound(f"There is no prompt “{name}”.")
    return prompt


def wanted(query: VersionQuery, at: datetime | None = None, *, caller: str | None = None) -> Wanted:
    """Raises ApiError (400) for a version and a label."""
    if query.version is not None and (query.label is not None or at is not None):
        raise ApiError(400, "version_and_label", "Ask for a version or for a label, not for both.")
    return Wanted(query.version, query.label, at, caller)


def note(request: ApiRequest, served: Served, query: VersionQuery) -> None:
    """That the program has read it, for the page of the prompt."""
    label = "" if query.version is not None else query.label or PRODUCTION
    note_read(key=request.auth, prompt_id=served.prompt_id, label=label, version=served.number)


def _as_sent(request: ApiRequest, name: str, version: int) -> dict[str, Any]:
    """As it is stored, without what it includes."""
    return as_json(serve(request.user, name, Wanted(version)), None)


def _cacheable(request: ApiRequest, data: dict[str, Any]) -> HttpResponseBase:
    """To be asked for again each time, since a label may move, but sent only where it has changed."""
    body = orjson.dumps(data)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": etag, "Vary": "Authorization"}
    response = HttpResponse(body, "application/json", headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response
