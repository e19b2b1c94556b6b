"""Makes one image or PDF anew, in a process of its own that the kernel bounds in memory and time.

Decoders of images and PDFs are where hostile files strike. This process has no secrets, no network of ours and no
second file; a bomb takes its memory or its CPU time and ends it, and nobody else waits for it. The argument is
``image`` or ``pdf``, the input is the file. The output is a line of JSON, and after it the new file and its thumbnail:

    {"media_type": ..., "width": ..., "height": ..., "pages": ..., "sizes": [bytes of the file, of the thumbnail]}
    {"refused": "Why, as a sentence for its user."}
"""

from __future__ import annotations

import json
import logging
import resource
import sys
from io import BytesIO
from typing import Any

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_SECONDS = 20

MOST_PIXELS = 50_000_000
# What providers scale larger images down to by themselves. https://platform.openai.com/docs/guides/images (2026-11)
LONGEST_EDGE = 2048
THUMBNAIL_EDGE = 320
# In base64 it has to fit into the 4 MB that Groq takes. https://console.groq.com/docs/vision (2026-11)
IMAGE_BYTES = 2_500_000
# Anthropic takes 100 pages. https://platform.claude.com/docs/en/build-with-claude/pdf-support (2026-11)
MOST_PAGES = 100

# What of a page has nothing to do with how it looks, or acts by itself.
_PAGE_EXTRAS = ("/AA", "/Metadata", "/PieceInfo", "/Thumb", "/B", "/StructParents")
_HARMFUL_ANNOTATIONS = {"/FileAttachment", "/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"}


class Refused(Exception):
    """With a sentence for the user."""


def remade_image(data: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """The first frame, upright, no larger than providers use, without anything that is not a pixel."""
    from PIL import Image, ImageOps

    # The size that the header tells is checked below, before a pixel is decoded.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF")) as opened:
        source = opened.format
        if opened.width * opened.height > MOST_PIXELS:
            raise Refused(
                f"The image has {opened.width:,} × {opened.height:,} pixels."
                f" At most {MOST_PIXELS // 1_000_000} megapixels are accepted: scale it down."
            )
        opened.draft(None, (LONGEST_EDGE, LONGEST_EDGE))
        image = ImageOps.exif_transpose(_plain(opened))
    image.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    # Encoders write what they find here: comments, colour profiles, XMP.
    image.info.clear()
    media_type, content = _encoded(image, source or "")
    small = image.copy()
    small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    facts = {"media_type": media_type, "width": image.width, "height": image.height, "pages": None}
    return facts, content, _saved(small, "WEBP", quality=75)


def _plain(image: Any) -> Any:
    """Grey, colour or colour with transparency, 8 bits each, with what ``exif_transpose`` needs."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _encoded(image: Any, source: str) -> tuple[str, bytes]:
    """In its own format, a GIF as PNG; drawings stay lossless where they are small enough."""
    if source in ("PNG", "GIF"):
        content = _saved(image, "PNG")
        if len(content) <= IMAGE_BYTES:
            return "image/png", content
    name = "WEBP" if source == "WEBP" or image.mode == "RGBA" else "JPEG"
    for quality in (88, 75, 60, 40):
        content = _saved(image, name, quality=quality)
        if len(content) <= IMAGE_BYTES:
            return f"image/{name.lower()}", content
    raise Refused("The image stays too large however it is compressed. Scale it down.")


def _saved(image: Any, name: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def remade_pdf(data: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Its pages alone, in a new file: no scripts, no attached files, no metadata, nothing before or behind it."""
    from pypdf import PdfReader, PdfWriter

    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted:
        raise Refused("The PDF is protected by a password. Save it without one.")
    pages = len(reader.pages)
    if not 0 < pages <= MOST_PAGES:
        raise Refused(f"The PDF has {pages:,} pages. From 1 to {MOST_PAGES} are accepted.")
    writer = PdfWriter()
    for page in reader.pages:
        _disarm(writer.add_page(page, excluded_keys=_PAGE_EXTRAS))
    writer.metadata = None
    buffer = BytesIO()
    writer.write(buffer)
    return {"media_type": "application/pdf", "width": None, "height": None, "pages": pages}, buffer.getvalue(), b""


def _disarm(page: Any) -> None:
    """Links to the web stay; whatever else an annotation does when it is clicked or seen goes."""
    from pypdf.generic import ArrayObject, NameObject

    kept = ArrayObject()
    for reference in page.get("/Annots") or ():
        annotation = reference.get_object()
        if annotation.get("/Subtype") in _HARMFUL_ANNOTATIONS:
            continue
        annotation.pop("/AA", None)
        action = annotation.get("/A")
        if action is not None and action.get_object().get("/S") != "/URI":
            annotation.pop("/A")
        kept.append(reference)
    if "/Annots" in page:
        page[NameObject("/Annots")] = kept


def _bound() -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    logging.disable()


def main() -> None:
    _bound()
    remade = {"image": remade_image, "pdf": remade_pdf}[sys.argv[1]]
    try:
        facts, content, thumbnail = remade(sys.stdin.buffer.read())
    except Refused as refusal:
        print(json.dumps({"refused": str(refusal)}))
        return
    except Exception:
        # What a decoder makes of a broken or hostile file is its own affair.
        print(json.dumps({"refused": f"The {sys.argv[1].replace('pdf', 'PDF')} is damaged and cannot be read."}))
        return
    header = json.dumps(facts | {"sizes": [len(content), len(thumbnail)]})
    sys.stdout.buffer.write(header.encode() + b"\n" + content + thumbnail)


if __name__ == "__main__":
    main()
