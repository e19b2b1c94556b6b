"""Errors to Sentry, or to what speaks its language, where ``AISTRALE_SENTRY_DSN`` names it.

What leaves this server is what failed and where in the code: the name of the log's event, the type of the exception and
its stack. No message of an exception, which may quote what somebody said; no local variable, header, address, user or
argument of a command.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.envelope import Item
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.transport import HttpTransport
from sentry_sdk.utils import event_from_exception

from aistrale.health_checks import aistrale_version
from aistrale.outbox import END_SECONDS, NOT_TAKEN, QUEUE_FULL, drop_counter

DROPPED = drop_counter("aistrale_errors_dropped", "Errors that Sentry was not sent; the log has them")
_NAMED = ("request_id", "trace_id", "call", "job", "task")
_KEPT = ("event_id", "timestamp", "platform", "level", "logger", "message", "exception", "tags", "release")
_KEPT_OF_EXCEPTION = ("type", "module", "stacktrace", "mechanism")
_KEPT_OF_FRAME = ("filename", "function", "module", "lineno", "context_line", "pre_context", "post_context", "in_app")


def begin() -> None:
    """Once in a process; does nothing without a DSN."""
    if not settings.SENTRY_DSN:
        return
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"aistrale@{aistrale_version()}",
        environment=settings.ENVIRONMENT,
        server_name="",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[DedupeIntegration()],
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=scrub,
        transport=CountingTransport,
    )
    logging.getLogger().addHandler(SentryHandler(logging.ERROR))


def end() -> None:
    """Sends what waits, for some seconds."""
    sentry_sdk.flush(timeout=END_SECONDS)


class CountingTransport(HttpTransport):
    """The SDK's own, whose thread sends what is in a queue of 100 errors."""

    def record_lost_event(
        self, reason: str, data_category: Any = None, item: Item | None = None, *, quantity: int = 1
    ) -> None:
        if (item.data_category if item else data_category) == "error":
            DROPPED.labels(QUEUE_FULL if reason == "queue_overflow" else NOT_TAKEN).inc()
        super().record_lost_event(reason, data_category, item, quantity=quantity)


class SentryHandler(logging.Handler):
    """Of what is logged as an error, with its exception if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        entry: Mapping[str, Any] = record.msg if isinstance(record.msg, dict) else {}
        event: Any = {}
        if isinstance(error := _exception(record, entry), BaseException):
            event, _ = event_from_exception(error, client_options=sentry_sdk.get_client().options)
        event |= {
            # The text of other loggers may hold anything.
            "message": str(entry["event"]) if "event" in entry else record.name,
            "level": "error",
            "logger": record.name,
            "tags": {name: str(entry[name]) for name in _NAMED if name in entry},
        }
        sentry_sdk.capture_event(event)


def _exception(record: logging.LogRecord, entry: Mapping[str, Any]) -> object:
    found = entry.get("exc_info") or record.exc_info
    if found is True:
        found = sys.exc_info()
    return found[1] if isinstance(found, tuple) else found


def scrub(event: Any, hint: Any = None) -> Any:
    """Only what is known to be harmless, whatever else the SDK has added."""
    kept = {name: event[name] for name in (*_KEPT, "environment", "sdk") if name in event}
    for exception in kept.get("exception", {}).get("values", []):
        _keep_only(exception, _KEPT_OF_EXCEPTION)
        for frame in (exception.get("stacktrace") or {}).get("frames", []):
            _keep_only(frame, _KEPT_OF_FRAME)
    return kept


def _keep_only(part: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in set(part) - set(names):
        del part[name]
