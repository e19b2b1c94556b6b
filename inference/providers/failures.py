"""Turns what an HTTP answer, a stream, an SDK or the transport says into one ``ProviderError``, without the key.

What the transport raises comes from aiohttp; some SDKs let it pass, some raise it as a cause of their own errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

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
from inference.providers.limits import Limits, timed_out

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
    429: RateLimited,
}
_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "x-goog-request-id", "cf-ray")


@contextmanager
def as_provider_error(api_key: str, limits: Limits) -> Iterator[None]:
    """Raise every failure inside as a ``ProviderError`` that keeps neither request nor cause, which hold the key."""
    try:
        yield
    except Exception as error:
        failure = translate(error, api_key, limits)
    else:
        return
    raise failure from None


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
    return ProviderError(f"The call failed before it was answered ({type(error).__name__}).")


def _cut(limits: Limits) -> ProviderError:
    if limits.streaming:
        return StreamBroken("The connection to the provider was cut in mid-answer.")
    return ConnectionLost("The provider could not be reached, or closed the connection without an answer.")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP answer stands for; a body that is not a provider's error object is not quoted."""
    kind = _BY_STATUS.get(status, Overloaded if status >= 500 else BadRequest)
    request_id = next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), "")
    message = error_message(_json(body)) or f"The provider answered with HTTP status {status} and no reason."
    return kind(message, status=status, request_id=request_id[:200], retry_after=retry_after(headers))


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def error_message(body: object) -> str:
    """The text of a provider's error object in any of their shapes, or nothing."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return ""
    error = body.get("error", body)
    message = error.get("message", error.get("error")) if isinstance(error, dict) else error
    return message.strip() if isinstance(message, str) else ""


def from_error_event(error: Any) -> ProviderError:
    """An error that arrives inside a stream that began with HTTP status 200."""
    fields = error if isinstance(error, dict) else {}
    message = error_message({"error": error}) or "The provider reported an error in mid-answer."
    names = " ".join(str(fields.get(name, "")) for name in ("type", "code", "status", "status_code")).lower()
    kinds = (kind for pattern, kind in _EVENT_KINDS if re.search(pattern, names))
    return next(kinds, StreamBroken)(message)


_EVENT_KINDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("rate_limit|resource_exhausted|429", RateLimited),
    ("overloaded|unavailable|server_error|api_error|internal|5\\d\\d", Overloaded),
    ("authentication|unauthenticated|401", AuthenticationFailed),
    ("permission|403", PermissionDenied),
    ("not_found|404", NotFound),
    ("invalid_request|invalid_argument|400", BadRequest),
)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: ``retry-after-ms``, or ``retry-after`` as seconds or as an HTTP date. Nonsense is None."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "")
    seconds = _number(value)
    return _until(value) if seconds is None else seconds


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
