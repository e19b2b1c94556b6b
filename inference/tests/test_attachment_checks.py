"""What is taken as an attachment, and what is left of it."""

from __future__ import annotations

import time
from io import BytesIO

import pytest
from PIL import Image

from inference.attachments.checks import TEXT_BYTES, UPLOAD_BYTES, CheckedFile, FileRefused, check, safe_name
from inference.tests import files


def opened(checked: CheckedFile) -> Image.Image:
    return Image.open(BytesIO(checked.content))


@pytest.mark.parametrize(
    ("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/png")]
)
def test_an_image_is_made_anew_in_a_format_that_every_provider_takes(kind: str, media_type: str) -> None:
    checked = check(files.image(kind), f"picture.{kind.lower()}")
    assert (checked.media_type, checked.width, checked.height) == (media_type, 40, 20)
    assert opened(checked).format == media_type.removeprefix("image/").upper()
    assert Image.open(BytesIO(checked.thumbnail)).format == "WEBP"


def test_a_photo_loses_its_place_and_stands_upright() -> None:
    checked = check(files.photo_with_place(), "photo.jpg")
    found = opened(checked)
    assert (checked.width, checked.height) == (20, 40)
    assert not dict(found.getexif())
    assert not {"exif", "comment", "icc_profile"} & found.info.keys()
    assert b"Secret" not in checked.content
    assert b"Somewhere" not in checked.content


def test_of_an_animation_the_first_frame_is_kept() -> None:
    found = opened(check(files.animation(), "moving.gif"))
    assert getattr(found, "n_frames", 1) == 1
    assert found.convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_a_large_image_is_scaled_to_what_providers_use() -> None:
    checked = check(files.image("JPEG", (5000, 1000)), "wide.jpg")
    assert (checked.width, checked.height) == (2048, 410)


def test_transparency_stays() -> None:
    assert opened(check(files.image(mode="LA"), "glass.png")).mode == "RGBA"


def test_a_decompression_bomb_is_refused_at_its_header() -> None:
    started = time.monotonic()
    with pytest.raises(FileRefused, match="60,000 × 60,000 pixels"):
        check(files.png_bomb(), "bomb.png")
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("cut", [20, 60, 200])
def test_a_damaged_image_is_refused(cut: int) -> None:
    with pytest.raises(FileRefused, match="damaged"):
        check(files.image("PNG", (300, 300))[:cut], "half.png")


def test_what_only_begins_like_an_image_is_refused() -> None:
    with pytest.raises(FileRefused, match="damaged"):
        check(b"GIF89a/*<script>alert(1)</script>*/=1;", "polyglot.gif")


def test_nothing_behind_an_image_is_kept() -> None:
    checked = check(files.image("JPEG") + b"PK\x03\x04<script>alert(1)</script>", "polyglot.jpg")
    assert b"script" not in checked.content


def test_the_name_ends_as_the_content_says() -> None:
    assert check(files.image("PNG"), "invoice.pdf").name == "invoice.png"


def test_a_pdf_keeps_its_pages_and_nothing_that_acts() -> None:
    armed = files.armed_pdf()
    checked = check(armed + b"<script>", "report.pdf")
    assert (checked.media_type, checked.pages, checked.name) == ("application/pdf", 1, "report.pdf")
    for word in (b"JavaScript", b"alert", b"evil", b"Secret author"):
        assert word in armed
        assert word not in checked.content
    assert b"<script>" not in checked.content


def test_a_pdf_with_a_password_is_refused() -> None:
    with pytest.raises(FileRefused, match="password"):
        check(files.locked_pdf(), "locked.pdf")


def test_a_pdf_with_too_many_pages_is_refused() -> None:
    with pytest.raises(FileRefused, match="101 pages"):
        check(files.pdf(101), "long.pdf")


@pytest.mark.parametrize("content", [files.pdf_bomb(), b"%PDF-1.4 hello", b"%PDF-1.4\n1 0 obj" + b"[" * 200_000])
def test_a_hostile_pdf_is_refused(content: bytes) -> None:
    with pytest.raises(FileRefused, match="damaged|too much time"):
        check(content, "bomb.pdf")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe\x00\x01", "not supported"),
        (b"PK\x03\x04\x00\x00", "not supported"),
        (b"MZ\x90\x00", "not supported"),
        (b"<html>" + files.image(), "not supported"),
        (b" " + files.pdf(), "not supported"),
        (b'<?xml version="1.0"?><!-- x --><svg onload="alert(1)"/>', "SVG"),
        (b"<SVG><script>alert(1)</script></SVG>", "SVG"),
        (b"Hello", "not what its name says"),
        (b"\x89PNG\r\n\x1a\n" + bytes(UPLOAD_BYTES), "20 MB"),
        (b"%PDF-1.7\n" + bytes(11 * 1024 * 1024), "10 MB"),
    ],
)
def test_what_is_nothing_of_that_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(FileRefused, match=message):
        check(content, "file.png")


def test_a_text_has_its_own_limit() -> None:
    with pytest.raises(FileRefused, match="too long"):
        check(b"x" * (TEXT_BYTES + 1), "notes.txt")


def test_a_text_is_kept_as_it_is() -> None:
    checked = check("\ufeffname,größe\n<script>\n".encode(), "table.csv")
    assert (checked.media_type, checked.name, checked.content.decode()) == (
        "text/plain",
        "table.csv",
        "name,größe\n<script>\n",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\temp\\notes.md", "notes.md"),
        ('a"b\r\nSet-Cookie: x=1.txt', 'a"b Set-Cookie: x=1.txt'),
        ("\u202etxt.exe", "txt.exe"),
        ("..", "file.txt"),
        ("", "file.txt"),
        (".env", "env.txt"),
        ("x" * 500 + ".py", "x" * 97 + ".py"),
        ("nul\x00l.csv", "nul l.csv"),
    ],
)
def test_hostile_names_become_harmless(name: str, expected: str) -> None:
    assert safe_name(name, "text/plain") == expected
