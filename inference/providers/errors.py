"""What can go wrong between us and a provider.

::

    ProviderError
    ├── AuthenticationFailed   401: the key is unknown or revoked
    ├── PermissionDenied       402, 403: the key is good but may not do this
    ├── NotFound               404: no such model or endpoint
    ├── BadRequest             400, 413, 422: the provider refuses what was asked
    ├── Unsupported            the model cannot do what was asked; nothing was sent
    ├── RateLimited            429
    ├── Overloaded             408, 409, 5xx, 529: the provider is in trouble
    ├── Timeout                ``stage`` says which limit ran out
    ├── ConnectionLost         no connection, or cut before the first token
    ├── StreamBroken           cut, unreadable or without an end mark after it began
    └── ContentFiltered        the provider withheld the answer
"""

from __future__ import annotations

from typing import Literal

Stage = Literal["connect", "first_token", "between_tokens", "total"]


class ProviderError(Exception):
    """``kind`` is stored as ``error.type``; ``status`` is the HTTP status where there was one.

    ``retry_after`` is in seconds, None where the provider names none.
    The message is the provider's own, cut to 2,000 characters, never the body of an unexpected host.
    """

    kind = "provider_error"
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message[:2000])
        self.message = message[:2000]
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after


class AuthenticationFailed(ProviderError):
    kind = "authentication_failed"


class PermissionDenied(ProviderError):
    kind = "permission_denied"


class NotFound(ProviderError):
    kind = "not_found"


class BadRequest(ProviderError):
    kind = "bad_request"


class Unsupported(ProviderError):
    kind = "unsupported"


class RateLimited(ProviderError):
    kind = "rate_limited"
    retryable = True


class Overloaded(ProviderError):
    kind = "overloaded"
    retryable = True


class Timeout(ProviderError):
    kind = "timeout"

    def __init__(self, message: str, *, stage: Stage) -> None:
        super().__init__(message)
        self.stage = stage
        self.retryable = stage == "connect"


class ConnectionLost(ProviderError):
    kind = "connection_lost"
    retryable = True


class StreamBroken(ProviderError):
    kind = "stream_broken"


class ContentFiltered(ProviderError):
    kind = "content_filtered"
