"""Reading what providers say when they refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.providers.errors import (
    AuthenticationFailed,
    BadRequest,
    NotFound,
    Overloaded,
    PermissionDenied,
    ProviderError,
    RateLimited,
    StreamBroken,
)
from inference.providers.failures import MASK, error_message, from_error_event, from_response, redact, retry_after

SECRET = "sk-proj-Ab3dEf6hIj9kLmN0pQr"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_it_reads_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"message": "No.", "details": [{"@type": "Help"}, {"retryDelay": "37s"}]}}, 37),
        ([{"error": {"message": "No.", "details": [{"retryDelay": "0.5s"}]}}], 0.5),
        ({"error": {"message": "No.", "details": [None, {"retryDelay": 5}, {"retryDelay": "soon"}]}}, None),
        ({"error": {"message": "No.", "details": "none"}}, None),
    ],
)
def test_it_reads_how_long_to_wait_where_google_says_it(body: object, seconds: float | None) -> None:
    assert from_response(429, {}, json.dumps(body).encode()).retry_after == seconds


def test_it_counts_the_seconds_to_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)
    assert 55 < (retry_after({"retry-after": in_a_minute}) or 0) <= 60


@given(st.text())
def test_it_never_stumbles_over_a_header(value: str) -> None:
    seconds = retry_after({"retry-after": value})
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "No."}}, "No."),
        ({"type": "error", "error": {"type": "x", "message": "No."}, "request_id": "r"}, "No."),
        ([{"error": {"code": 400, "message": "No."}}], "No."),
        ({"error": "No."}, "No."),
        ({"message": "No."}, "No."),
        ({"error": {"message": {"deep": 1}}}, ""),
        ({"error": None}, ""),
        ({"detail": "No."}, "No."),
        (
            {"detail": [{"loc": ["body", "n", 0], "msg": "No."}, {"loc": ["query"], "msg": "Nor that."}]},
            "n.0: No.; query: Nor that.",
        ),
        ({"object": "error", "message": {"detail": [{"loc": ["body", "top_k"], "msg": "No."}]}}, "top_k: No."),
        ({"errors": [{"message": "No."}, "Nor that."]}, "No.; Nor that."),
        ({"error": ["No.", "Nor that."], "warnings": []}, "No.; Nor that."),
        ({"error": "Bad Request", "message": "No."}, "Bad Request; No."),
        ({"error": {"message": "Failed", "metadata": {"raw": '{"error": {"message": "No."}}'}}}, "Failed; No."),
        ({"error": True, "message": "No."}, "No."),
        ({"base_resp": {"status_code": 1004, "status_msg": "No."}}, "No."),
        ({"error": '{"message": "No."}'}, "No."),
        ("No.", ""),
        ([], ""),
        (None, ""),
    ],
)
def test_it_finds_the_providers_own_words(body: object, message: str) -> None:
    assert error_message(body) == message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "overloaded_error", "message": "No."}, Overloaded),
        ({"type": "rate_limit_error", "message": "No."}, RateLimited),
        ({"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "No."}, RateLimited),
        ({"code": 503, "status": "UNAVAILABLE", "message": "No."}, Overloaded),
        ({"type": "authentication_error", "message": "No."}, AuthenticationFailed),
        ({"code": 404, "message": "No."}, NotFound),
        ({"error": {"code": "402", "message": "No."}}, PermissionDenied),
        ({"error": {"type": "invalid_request_error", "message": "No."}, "status": 400}, BadRequest),
        ({"error": {"code": 418, "message": "No."}}, BadRequest),
        ({"type": "something", "message": "No."}, StreamBroken),
        ("No.", StreamBroken),
        (17, StreamBroken),
    ],
)
def test_it_classes_an_error_inside_a_stream(error: object, kind: type[ProviderError]) -> None:
    assert type(from_error_event(error)) is kind


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        f"'{SECRET}'.",
        f"{SECRET[:8]}***********{SECRET[-4:]}",
        f"https://host/v1?key={SECRET}&x=1",
        f"...{SECRET[6:]}",
    ],
)
def test_it_masks_a_key_and_its_parts(echo: str) -> None:
    assert redact(f"Wrong key {echo} given", SECRET) == f"Wrong key {MASK} given"


def test_it_leaves_other_words_alone() -> None:
    assert redact("The model gpt-4o does not exist", SECRET) == "The model gpt-4o does not exist"


@given(st.text(min_size=8, max_size=40), st.text(), st.text())
def test_it_leaves_no_eight_characters_of_a_key(secret: str, before: str, after: str) -> None:
    masked = redact(before + secret + after, secret)
    leftover = masked.replace(MASK, "\n")
    assert not any(secret[start : start + 8] in leftover for start in range(len(secret) - 7))
