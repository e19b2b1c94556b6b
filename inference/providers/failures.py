"""Turns what an HTTP answer, a stream, an SDK or the transport says into one ``ProviderError``, without the key.

What the transport raises comes from aiohttp; some SDKs let it pass, some raise it as a cause of their own errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any

import aiohttp
import orjson
import structlog

from inference.providers.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionLost,
    NotFound,
    Overloaded,
    PermissionDenied,
    ProviderError,
    RateLimited,
    StreamBroken,
)
from inference.providers.sse import EventReader
from inference.providers.timeouts import Limits, timed_out

log = structlog.get_logger(__name__)

MASK = "[key]"

_BY_STATUS: Mapping[int, type[ProviderError]] = {
    400: BadRequest,
    401: AuthenticationFailed,
    402: PermissionDenied,
    403: PermissionDenied,
    404: NotFound,
    408: Overloaded,
    409: Overloaded,
    413: BadRequest,
    422: BadRequest,
    425: Overloaded,
    429: RateLimited,
    # Groq's flex tier, when it is at capacity. https://console.groq.com/docs/errors (2026-11)
    498: Overloaded,
}
_OURS = __name__.partition(".")[0] + "."
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "x-goog-request-id", "cf-ray")


@contextmanager
def as_provider_error(api_key: str, limits: Limits) -> Iterator[None]:
    """Raise every failure of a call as a ``ProviderError`` that keeps neither request nor cause, which hold the key.

    Mistakes in our own code pass as they are: they are not the provider's.
    """
    try:
        yield
    except Exception as error:
        if not is_from_outside(error):
            raise
        failure = translate(error, api_key, limits)
    else:
        return
    raise failure from None


def is_from_outside(error: BaseException) -> bool:
    """Whether a provider, its SDK or the network may have caused it: it was not raised by a line of ours."""
    if isinstance(error, ProviderError):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is None or not trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS)


def translate(error: Exception, api_key: str, limits: Limits) -> ProviderError:
    for cause in _chain(error):
        match cause:
            case ProviderError():
                return redacted(cause, api_key)
            case aiohttp.ConnectionTimeoutError():
                return timed_out("connect", limits.timeouts.connect)
            case aiohttp.InvalidURL():
                return BadRequest("The address of the provider is not a web address.")
            case aiohttp.ClientConnectorCertificateError():
                return ConnectionLost("The certificate of the provider's address is not trusted.")
            case aiohttp.ClientError() | OSError():
                return _cut(limits)
    log.warning("call_failed", exc_info=error)
    return ProviderError(f"The call failed before it was answered ({type(error).__name__}).")


def _cut(limits: Limits) -> ProviderError:
    if limits.streaming:
        return StreamBroken("The provider closed the connection before the answer was complete.")
    return ConnectionLost("The provider could not be reached, or closed the connection without an answer.")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP answer stands for; a body that is not a provider's error object is not quoted."""
    kind = _BY_STATUS.get(status, Overloaded if status >= 500 else BadRequest)
    request_id = next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), "")
    told = _first_payload(body)
    message = error_message(told) or f"The provider answered with HTTP status {status} and no reason."
    wait = retry_after(headers)
    wait = _retry_delay(told) if wait is None else wait
    return kind(message, status=status, request_id=request_id[:200], retry_after=wait)


def _first_payload(body: bytes) -> Any:
    """Of JSON, or of an event stream, as which some servers send their errors too."""
    reader = EventReader()
    try:
        return next((payload for _, payload in chain(reader.feed(body), reader.close())), None)
    except StreamBroken:
        return None


def error_message(body: Any) -> str:
    """The provider's own words in an error object of any of their shapes, or nothing."""
    return "; ".join(dict.fromkeys(_words(body, 6))) if isinstance(body, Mapping | list) else ""


def _words(value: Any, depth: int) -> Iterator[str]:
    """What is said in an error object, from the outside to the inside; in a list, of the first few."""
    if isinstance(value, str) and value.strip():
        inner = _json(value) if value.lstrip()[:1] in ("{", "[") else None
        yield from (_words(inner, depth - 1) if inner and depth else [value.strip()])
    elif isinstance(value, list) and depth:
        for item in value[:_MOST_ITEMS]:
            yield from _words(item, depth - 1)
    elif isinstance(value, Mapping) and depth:
        told = [*map(value.get, _SAYS_WHY), mapping_of(value.get("metadata")).get("raw")]
        words = [word for item in told for word in _words(item, depth - 1)]
        place = _place(value.get("loc"))
        yield from (f"{place}: {word}" if place else word for word in words)


def mapping_of(value: Any) -> Mapping[str, Any]:
    """For bookkeeping: what is no mapping says nothing."""
    return value if isinstance(value, dict) else {}


def _place(location: Any) -> str:
    """Which field of the request is meant, such as ``temperature`` for ``["body", "temperature"]``."""
    parts = location if isinstance(location, list) else []
    return ".".join(str(part)[:100] for part in parts if part != "body" and isinstance(part, str | int))


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


_TELLS_OF_ERRORS = frozenset({"error", "errors", "type", "base_resp", "detail", "message", "msg"})


def is_error(payload: Mapping[str, Any]) -> bool:
    """Whether what came in place of a chunk of an answer is an error."""
    # Asked of every chunk, of which nearly all say none of it.
    if _TELLS_OF_ERRORS.isdisjoint(payload) and payload.get("object") != "error":
        return False
    if payload.get("error") or payload.get("errors") or "error" in (payload.get("object"), payload.get("type")):
        return True
    if mapping_of(payload.get("base_resp")).get("status_code"):
        return True
    says_why = any(isinstance(payload.get(name), str | list) and payload[name] for name in ("detail", "message", "msg"))
    return says_why and not payload.keys() & {"choices", "candidates", "delta", "content", "usage"}


def from_error_event(error: Any) -> ProviderError:
    """An error that arrives in an answer that began with HTTP status 200, as it was sent."""
    whole = error if isinstance(error, Mapping) else {"error": error}
    message = error_message(whole) or "The provider reported an error during the answer."
    inner = whole.get("error")
    levels = [level for level in (inner, whole, whole.get("base_resp")) if isinstance(level, Mapping)]
    names = [
        str(level.get(name, "")) for level in levels for name in ("code", "status", "status_code", "type", "error_type")
    ]
    return _kind(names)(message)


def _kind(names: list[str]) -> type[ProviderError]:
    codes = (int(name) for name in names if re.fullmatch(r"[45]\d\d", name))
    for code in codes:
        return _BY_STATUS.get(code, Overloaded if code >= 500 else BadRequest)
    said = " ".join(names).lower()
    return next((kind for pattern, kind in _BY_NAME if re.search(pattern, said)), StreamBroken)


_MOST_ITEMS = 10
_NAMES = ("code", "status", "status_code", "type", "error_type")
_SAYS_WHY = (
    "error",
    "errors",
    "base_resp",
    "message",
    "msg",
    "detail",
    "error_message",
    "error_msg",
    "error_description",
    "status_msg",
    "title",
    "reason",
)
_BY_NAME: tuple[tuple[str, type[ProviderError]], ...] = (
    ("rate_limit|resource_exhausted|too_many_requests", RateLimited),
    ("overloaded|unavailable|server_error|api_error|internal|capacity|timeout", Overloaded),
    ("authentication|unauthenticated|unauthorized|invalid_api_key", AuthenticationFailed),
    ("permission|insufficient_quota|billing|payment|credit", PermissionDenied),
    ("not_found", NotFound),
    ("invalid_request|invalid_argument|badrequest|bad_request|context_length|validation", BadRequest),
)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: ``retry-after-ms``, or ``retry-after`` as seconds or as an HTTP date. Nonsense is None."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _number(value)
    return _until(value) if seconds is None else seconds


def _retry_delay(body: Any) -> float | None:
    """Google says in the body how long to wait, as ``"37s"``. https://google.aip.dev/193 (2026-11)"""
    error = mapping_of(mapping_of(body[0] if isinstance(body, list) and body else body).get("error"))
    details = error.get("details")
    delays = [mapping_of(detail).get("retryDelay") for detail in details] if isinstance(details, list) else []
    return next((_number(delay.removesuffix("s")) for delay in delays if isinstance(delay, str)), None)


def _number(value: str) -> float | None:
    return float(value) if re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", value, re.ASCII) else None


def _until(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def redacted(error: ProviderError, secret: str) -> ProviderError:
    error.message = redact(error.message, secret)
    error.args = (error.message,)
    return error


def redact(text: str, secret: str) -> str:
    """Mask every word that holds eight characters of the secret in a row: providers quote keys in part."""
    size = min(8, len(secret))
    if not size:
        return text
    pieces = {re.escape(secret[start : start + size]) for start in range(len(secret) - size + 1)}
    return re.sub(rf"\S*(?:{'|'.join(pieces)})\S*", MASK, text)
