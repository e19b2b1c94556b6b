"""Files in the chat: uploaded, shown, downloaded. Whatever the user may not read is not there."""

from __future__ import annotations

import time

from django.conf import settings
from django.db.models import Case, When
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe
from django_redis import get_redis_connection

from accounts.admission import release_slot
from accounts.models import User
from accounts.requests import UserRequest
from inference.attachments.checks import MOST_FILES, UPLOAD_BYTES, FileRefused, check, too_large
from inference.attachments.services import store_file
from inference.models import StoredFile
from inference.runs.limits import note_limit_hit

WINDOW_SECONDS = 60


@require_http_methods(["GET", "HEAD", "POST"])
def file_list(request: UserRequest) -> HttpResponse:
    """As the composer shows them: own files by ``digest``, in that order. A POST stores the one in ``file``.

    What is wrong with a file is told as plain text.
    """
    if request.method == "POST":
        return _upload(request)
    wanted = request.GET.getlist("digest")[:MOST_FILES]
    own = StoredFile.objects.without_content().filter(user=request.user, digest__in=wanted)
    files = sorted(own, key=lambda file: wanted.index(file.digest))
    return render(request, "inference/_file_chips.html", {"files": files})


def _upload(request: UserRequest) -> HttpResponse:
    if _is_too_often(request.user):
        note_limit_hit(request.user, "uploads")
        return _refusal("You have uploaded many files within a minute. Wait a minute, then try again.", status=429)
    upload = request.FILES.get("file")
    if upload is None:
        return _refusal("Choose a file.", status=400)
    if upload.size is None or upload.size > UPLOAD_BYTES:
        return _refusal(too_large(UPLOAD_BYTES), status=413)
    try:
        content = upload.read()
        # Nobody else waits for a page meanwhile.
        with release_slot():
            checked = check(content, upload.name or "")
        stored = store_file(user=request.user, checked=checked)
    except FileRefused as refusal:
        return _refusal(refusal.message, status=422)
    return render(request, "inference/_file_chips.html", {"files": [stored]}, status=201)


def _refusal(message: str, *, status: int) -> HttpResponse:
    return HttpResponse(message, content_type="text/plain; charset=utf-8", status=status)


def _is_too_often(user: User) -> bool:
    if not settings.LIMIT_UPLOADS_PER_MINUTE:
        return False
    name = f"uploads:{user.pk}:{int(time.time() // WINDOW_SECONDS)}"
    with get_redis_connection().pipeline(transaction=False) as pipeline:
        pipeline.incr(name)
        pipeline.expire(name, 2 * WINDOW_SECONDS)
        uploads, _ = pipeline.execute()
    return int(uploads) > settings.LIMIT_UPLOADS_PER_MINUTE


@require_safe
def file_view(request: UserRequest, digest: str) -> HttpResponse:
    """An image, large, in the page's dialog."""
    file = _visible(request, digest, without="content")
    if not (request.htmx and file.is_image):
        return redirect("inference:file-content", digest)
    return render(request, "inference/_file_view.html", {"file": file})


@require_safe
def file_content(request: UserRequest, digest: str) -> HttpResponseBase:
    """Images are shown, since their bytes are our own; anything else is only saved."""
    return _content(request, digest, is_download=False)


@require_safe
def file_download(request: UserRequest, digest: str) -> HttpResponseBase:
    return _content(request, digest, is_download=True)


@require_safe
def file_thumbnail(request: UserRequest, digest: str) -> HttpResponseBase:
    file = _visible(request, digest, without="content")
    if not file.is_image:
        raise Http404
    return _response(request, bytes(file.thumbnail), "image/webp", etag=f'"{digest}-small"')


def _content(request: UserRequest, digest: str, *, is_download: bool) -> HttpResponseBase:
    file = _visible(request, digest, without="thumbnail")
    media_type = "text/plain; charset=utf-8" if file.media_type == "text/plain" else file.media_type
    response = _response(request, bytes(file.content), media_type, etag=f'"{digest}"')
    response.headers["Content-Disposition"] = (
        content_disposition_header(is_download or not file.is_image, file.name) or "attachment"
    )
    return response


def _response(request: HttpRequest, content: bytes, media_type: str, *, etag: str) -> HttpResponseBase:
    """Kept by the browser, which asks each time whether it may still be seen."""
    response = HttpResponse(content, content_type=media_type)
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    for name, value in headers.items():
        response.headers[name] = value
    return get_conditional_response(request, etag=etag, response=response) or response


def _visible(request: UserRequest, digest: str, *, without: str) -> StoredFile:
    """All files with this digest have the same content: one's own comes first, with its name."""
    found = StoredFile.objects.visible_to(request.user).filter(digest=digest).defer(without)
    is_own = Case(When(user=request.user, then=0), default=1)
    file = found.order_by(is_own, "pk").first()
    if file is None:
        raise Http404
    return file
