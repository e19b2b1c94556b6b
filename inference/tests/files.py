"""Good and hostile files."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject


def image(kind: str = "PNG", size: tuple[int, int] = (40, 20), *, mode: str = "RGB", **options: Any) -> bytes:
    buffer = BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def photo_with_place() -> bytes:
    """A JPEG that lies on its side and tells where it was taken, by whom, and of what colour it means to be."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = "Ada of Somewhere"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return image("JPEG", exif=exif, comment=b"Secret comment", icc_profile=b"Secret profile")


def animation() -> bytes:
    frames = [Image.new("RGB", (30, 30), color) for color in ("red", "blue")]
    buffer = BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few kilobytes that claim to be 3,600 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")


def pdf(pages: int = 1) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    return _written(writer)


def armed_pdf() -> bytes:
    """With scripts for when it is opened, a page is seen and a link is clicked, an attached program, and its author."""
    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    script = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )
    rectangle = ArrayObject([NumberObject(0)] * 4)
    link = {NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): script, NameObject("/Rect"): rectangle}
    writer.root_object[NameObject("/OpenAction")] = script
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): script})
    page[NameObject("/Annots")] = ArrayObject([DictionaryObject(link)])
    writer.add_attachment("evil.exe", b"MZ evil")
    writer.add_metadata({"/Author": "Secret author"})
    return _written(writer)


def locked_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret", algorithm="RC4-128")
    return _written(writer)


def pdf_bomb() -> bytes:
    """Objects in a stream that is 300 kB here and 300 MB when it is unpacked, and a tree of pages without an end."""
    packed = zlib.compress(bytes(300_000_000), 9)
    objects = [
        b"1 0 obj<</Type/Catalog/Pages 5 0 R>>endobj",
        b"2 0 obj<</Type/Pages/Count 99999999/Kids[2 0 R 2 0 R]>>endobj",
        b"4 0 obj<</Type/ObjStm/N 5000000/First 5/Filter/FlateDecode/Length " + str(len(packed)).encode() + b">>stream",
        packed,
        b"endstream endobj",
    ]
    return b"\n".join([b"%PDF-1.5", *objects, b"trailer<</Root 1 0 R>>", b"%%EOF"])


def _written(writer: PdfWriter) -> bytes:
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
