"""Prompts to take away as files."""

from __future__ import annotations

import zipfile
from io import BytesIO
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from accounts.requests import UserRequest
from prompts.files import own_format
from prompts.files.document import PromptFile, path_of
from prompts.files.transfer import file_of, files_of, record_export, record_export_of_one
from prompts.models import Prompt
from prompts.pages.access import chosen_version, visible_prompt
from prompts.pages.filters import PromptFilter

_TYPES = {"md": "text/markdown; charset=utf-8", "json": "application/json", "zip": "application/zip"}
# The earliest that an archive can name: the same prompts are the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


@require_GET
def export_one(request: UserRequest, pk: UUID, file_format: str) -> HttpResponse:
    """The chosen version, without a choice the newest one."""
    version = chosen_version(visible_prompt(request.user, pk), request.GET.get("version", ""))
    if version is None:
        raise Http404
    record_export_of_one(actor=request.user, version=version, file_format=file_format)
    file = file_of(version)
    text = own_format.as_json(file) if file_format == "json" else own_format.as_markdown(file)
    return _download(text.encode(), path_of(file.name, file_format).rpartition("/")[2], file_format)


@require_GET
def export_list(request: UserRequest, file_format: str) -> HttpResponse:
    """The newest versions of the prompts that the list shows with the same filters."""
    form = PromptFilter(request.GET, user=request.user)
    if not form.is_valid():
        return HttpResponseBadRequest("One of the filters cannot be read.", content_type="text/plain")
    prompts: QuerySet[Prompt] = form.narrow(Prompt.objects.visible_to(request.user).with_text())
    files = files_of(prompts)
    record_export(actor=request.user, count=len(files), file_format=file_format)
    data = own_format.as_json_list(files).encode() if file_format == "json" else _archive(files)
    return _download(data, f"prompts.{file_format}", file_format)


def _archive(files: list[PromptFile]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            member = zipfile.ZipInfo(path_of(file.name), date_time=_NO_TIME)
            archive.writestr(member, own_format.as_markdown(file), compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _download(data: bytes, name: str, file_format: str) -> HttpResponse:
    disposition = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return HttpResponse(data, content_type=_TYPES[file_format], headers={"Content-Disposition": disposition})
