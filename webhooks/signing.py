"""The signature of what is sent: an HMAC over the time and the body, so that neither can be changed. Pure."""

from __future__ import annotations

import hashlib
import hmac


def sign(body: bytes, *, secret: str, timestamp: int) -> str:
    """The value of ``X-Aistrale-Signature``. ``timestamp`` is in seconds since 1970."""
    signed = b"%d.%b" % (timestamp, body)
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
