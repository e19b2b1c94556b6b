from __future__ import annotations

import io
import json
import logging
import logging.config
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from aistrale import logs
from aistrale.logs import _configured_values, redact_text

CANARY = "canary-7f3a9b2c4d5e6f70"


@pytest.fixture
def captured() -> Callable[[], list[dict[str, Any]]]:
    """What has been logged so far, through the formatter that the server uses."""
    return _capture(terminal=False)[1]


def _capture(*, terminal: bool) -> tuple[io.StringIO, Callable[[], list[dict[str, Any]]]]:
    formatter = logs.configuration(level=logging.INFO, terminal=terminal)["formatters"]["structured"]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger = logging.getLogger("captured")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return stream, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_it_writes_one_json_object_per_line(captured: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.stdlib.get_logger("captured").info("run_finished", tokens=3, text="two\nlines")
    [line] = captured()
    assert (line["event"], line["tokens"], line["text"], line["level"]) == ("run_finished", 3, "two\nlines", "info")


@pytest.mark.parametrize(
    "name", ["api_key", "Authorization", "x-api-key", "x-goog-api-key", "Cookie", "password", "access_token", "secret"]
)
def test_it_redacts_by_name(captured: Callable[[], list[dict[str, Any]]], name: str) -> None:
    structlog.stdlib.get_logger("captured").info(
        "event", headers={name: CANARY}, pairs=[(name.encode(), CANARY.encode())]
    )
    assert CANARY not in str(captured())


def test_it_keeps_counts_of_tokens(captured: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.stdlib.get_logger("captured").info("event", input_tokens=5, output_tokens=7, tokens=12)
    [line] = captured()
    assert (line["input_tokens"], line["output_tokens"], line["tokens"]) == (5, 7, 12)


@pytest.mark.parametrize(
    "text",
    [
        f"Incorrect API key provided: sk-proj-{CANARY}",
        f"sk-ant-api03-{CANARY}",
        f"gsk_{CANARY}",
        f"hf_{CANARY}",
        f"AIza{CANARY}",
        f"https://host.test/v1beta/models?alt=sse&key={CANARY}&pageSize=1",
        f"Authorization: Bearer {CANARY}",
        f"{{'headers': {{'x-api-key': '{CANARY}'}}}}",
        f"[(b'x-goog-api-key', b'{CANARY}')]",
        f"api_key={CANARY}",
        f"postgres://aistrale:{CANARY}@127.0.0.1:5432/aistrale",
        f"redis://:{CANARY}@127.0.0.1:6379/0",
        f"GET /account/setup/{CANARY}:1vQ:x/",
        f"GET /invitation/{CANARY}/",
        f"key ais_0123456789ab_{CANARY}",
        f"GET /password/reset/1-{CANARY}/",
        f"GET /login/sso/callback/?code={CANARY}&state={CANARY}",
        f"GET /login/?next=/audit/export.jsonl%3Fkey%3D{CANARY}",
        f"GET /login/?next=/nothing/ais_0123456789ab_{CANARY}%3Dais_0123456789ab_{CANARY}",
    ],
)
def test_it_redacts_by_shape(text: str) -> None:
    assert CANARY not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    ["GET /account/ 200", "The token was refused", "risk-averse people", "tokens: 1,204", "https://host.test/a?b=c"],
)
def test_it_leaves_other_text_alone(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("name", ["SECRET_KEY", "MASTER_KEYS", "DATABASE_URL", "REDIS_URL"])
def test_it_redacts_what_this_process_was_configured_with(name: str) -> None:
    _configured_values.cache_clear()  # other tests have had other settings
    value: str = getattr(settings, name)
    secret = {"SECRET_KEY": value, "MASTER_KEYS": value.partition(":")[2]}.get(name) or urlsplit(value).password
    assert secret
    assert secret not in redact_text(f"it is {secret} indeed")


def test_it_redacts_tracebacks_and_leaves_local_variables_out(captured: Callable[[], list[dict[str, Any]]]) -> None:
    local_variable = f"sk-local-{CANARY}"
    try:
        raise ValueError(f"Illegal header value Bearer {CANARY}")
    except ValueError:
        logging.getLogger("captured").exception("call failed with %s", {"api_key": local_variable})
    [line] = captured()
    assert "ValueError: Illegal header value" in line["exception"]
    assert CANARY not in str(line)


def test_it_redacts_what_libraries_log(captured: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("captured").debug("Request options: %s", {"headers": {"authorization": f"Bearer {CANARY}"}})
    [line] = captured()
    assert CANARY not in str(line)


def test_it_keeps_hostile_text_from_moving_the_cursor_or_forging_a_line() -> None:
    stream, _ = _capture(terminal=True)
    logging.getLogger("captured").info("name \x1b[2J\n2026-01-01 [info] all is well")
    assert "\x1b[2J" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    "part",
    [
        "x",
        "é",
        " ",
        "x ",
        "a://",
        "a://b:",
        "a://b:c",
        "://",
        "@",
        ":",
        "sk-",
        "sk-ant-",
        "AIza",
        "-",
        "%3F",
        "?key=",
        "&",
    ]
    + ["password", "password ", "password=", "api_key:", "bearer ", "basic\n", "/password/reset/", "/password/reset/x-"]
    + ["/setup/", "secret, ", "cookie'", "b'", "[redacted", "ais_", "\\", '"', "\0", "%"],
)
def test_it_takes_long_texts_in_no_time(part: str) -> None:
    """Addresses, and what was said, may be in a line: nobody may keep the server busy by it."""
    text = part * (200_000 // len(part))
    began = time.process_time()
    redact_text(text)
    redact_text(f"{text}x")
    assert time.process_time() - began < 2


@given(st.text())
def test_it_takes_any_text(text: str) -> None:
    assert isinstance(redact_text(text), str)


@pytest.mark.django_db
def test_a_request_is_answered_with_the_id_under_which_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        response = Client().get("/login/")
    [record] = [record for record in caplog.records if "request_finished" in str(record.msg)]
    assert isinstance(record.msg, dict)
    assert record.msg["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.django_db
def test_the_id_is_not_taken_from_the_browser() -> None:
    response = Client().get("/login/", headers={"X-Request-ID": CANARY})
    assert response.headers["X-Request-ID"] != CANARY


def test_it_logs_a_health_request_only_when_something_is_wrong(captured: Callable[[], list[dict[str, Any]]]) -> None:
    logger = structlog.stdlib.get_logger("captured")
    for code in (200, 503):
        logger.info("request_finished", request="GET /health/ready", code=code)
    logger.info("request_finished", request="GET /login/", code=200)
    logged = [(line["request"], line["code"]) for line in captured()]
    assert logged == [("GET /health/ready", 503), ("GET /login/", 200)]
