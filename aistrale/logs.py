"""Logging: one JSON object per line on standard error, or readable lines on a terminal, and no secret in either.

Secrets are redacted by name (of a field or header), by shape (what the providers' keys look like) and, for the few
that this process is configured with, by value; also in the text of exceptions and in what other libraries log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from accounts.providers import PROVIDERS
from aistrale import keyfiles
from audit.text import escape_controls

REDACTED = "[redacted]"
SHORTEST_VALUE = 8  # shorter ones would also be found inside innocent words

_SECRET_NAME = re.compile(
    r"(^|[-_ ])(authorization|cookie|set-cookie|passw(or)?d|secret|secret[-_]key|api[-_]?key|master[-_]keys?|token"
    r"|sessionid|session[-_]key|csrf\w*|dsn)$",
    re.IGNORECASE,
)
_NAMES = r"authorization|cookie|x-api-key|x-goog-api-key|api[-_]?key|password|passwd|secret|access_token"
_KEY_SHAPES = "|".join(spec.key_shape for spec in PROVIDERS.values() if spec.key_shape)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (rf"(?:\b|(?<=%[0-9a-f]{{2}}))(?:{_KEY_SHAPES})", REDACTED),
        (r"(?:\b|(?<=%[0-9a-f]{2}))(pk|rk|xai|r8|ghp|glpat|ais)[-_][A-Za-z0-9_-]{8,}", REDACTED),
        (r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}", rf"\1 {REDACTED}"),
        # Without the boundary, each character of a long word would be a beginning: that takes the square of its length.
        (r"(\b\w+://[^\s:/@]*):[^\s/@]+@", rf"\1:{REDACTED}@"),
        (
            r"((?:[?&]|%3F|%26)(?:key|api_key|apikey|token|access_token|signature|code|state)(?:=|%3D))[^&\s\"']+",
            rf"\1{REDACTED}",
        ),
        (r"(/setup/|/invitation/|/password/reset/[0-9A-Za-z]+-)[^/\s\"'?]+", rf"\1{REDACTED}"),
        (
            rf"((?:{_NAMES})['\"]?\s*[:=,]\s*b?['\"]?)(?!bearer |basic |\[redacted)[^\s'\",;)}}]+",
            rf"\1{REDACTED}",
        ),
    )
)


def _add_trace(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """By which a line is found from its trace, and the trace from its line."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"], event["span_id"] = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    return event


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    _add_trace,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
# At lower levels the providers' SDKs log what was asked, and answers that quote a key.
_QUIET = (
    *("asyncio", "daphne", "httpcore", "httpx", "httpx2", "procrastinate"),
    *("anthropic", "google_genai", "groq", "huggingface_hub", "openai"),
)


def configuration(*, level: int, terminal: bool) -> dict[str, Any]:
    """A value for Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": _formatter(*_rendering(terminal=terminal)),
            "structured_json": _formatter(*_rendering(terminal=False)),
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured"},
            "recent": {
                "class": "aistrale.recent_errors.RecentErrors",
                "formatter": "structured_json",
                "level": "ERROR",
            },
        },
        "root": {"handlers": ["stderr", "recent"], "level": level},
        "loggers": {
            # Django would mail errors to administrators; and what it says of a request we say ourselves.
            "django": {"handlers": [], "level": level},
            "django.request": {"level": "CRITICAL"},
            # Of hosts that anybody may make up: not among the recent errors, which they would push out.
            "django.security": {"handlers": ["stderr"], "propagate": False},
            # With each variable that a template lacks, it would tell those that it has.
            "django.template": {"level": "INFO"},
            **{name: {"level": "WARNING"} for name in _QUIET},
        },
    }


def _formatter(*rendering: Processor) -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # The text of a traceback, never its local variables: those hold keys.
            structlog.processors.format_exc_info,
            redact,
            *rendering,
        ],
    }


def json_formatter() -> logging.Formatter:
    """That of the lines on standard error, wherever they go beside it."""
    options = _formatter(*_rendering(terminal=False))
    formatter: logging.Formatter = options.pop("()")(**options)
    return formatter


def configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _drop_good_health,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _drop_good_health(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """What supervisors and proxies ask every few seconds is news only when the answer is bad."""
    if event.get("code") == 200 and str(event.get("request", "")).startswith("GET /health/"):
        raise structlog.DropEvent
    return event


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: the same event without secrets."""
    return {name: _redact_named(name, value) for name, value in event.items()}


def _redact_named(name: object, value: object) -> object:
    if isinstance(name, str) and _SECRET_NAME.search(name) and not isinstance(value, bool | None):
        return REDACTED
    return _redact_value(value)


def _redact_value(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact_text(value)
        case Mapping():
            return {key: _redact_named(key, item) for key, item in value.items()}
        case list() | tuple():
            return _redact_items(value)
        case _:
            return redact_text(repr(value))


def _redact_items(items: Iterable[object]) -> list[object]:
    """Headers come as pairs of name and value."""
    redacted: list[object] = []
    for item in items:
        match item:
            case (str() | bytes() as name, value):
                text = name if isinstance(name, str) else name.decode(errors="replace")
                redacted.append([text, _redact_named(text, value)])
            case _:
                redacted.append(_redact_value(item))
    return redacted


def redact_text(text: str) -> str:
    for value in _configured_values():
        text = text.replace(value, REDACTED)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


@lru_cache(maxsize=1)
def _configured_values() -> tuple[str, ...]:
    """The longest first, so that none leaves a part of another behind."""
    keys = re.split(r"[,\s]+", f"{settings.MASTER_KEYS},{settings.AUDIT_KEYS}")
    passwords = [urlsplit(url).password or "" for url in (settings.DATABASE_URL, settings.REDIS_URL)]
    values = {
        settings.OIDC_CLIENT_SECRET,
        settings.EMAIL_HOST_PASSWORD or "",
        settings.METRICS_TOKEN,
        urlsplit(settings.SENTRY_DSN).username or "",
        settings.SECRET_KEY if keyfiles.has_secret_key() else "",
        *(key.rpartition(":")[2] for key in keys),
    }
    values |= {form for password in passwords for form in (password, unquote(password))}
    return tuple(sorted((value for value in values if len(value) >= SHORTEST_VALUE), key=len, reverse=True))


def _rendering(*, terminal: bool) -> tuple[Processor, ...]:
    if not terminal:
        return (structlog.processors.JSONRenderer(),)
    return (_escape_controls, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))


def _escape_controls(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Text from outside must not move the cursor or forge a line."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = escape_controls(value, keep="\t\n" if name in ("exception", "stack") else "\t")
    return event
