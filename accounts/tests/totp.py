"""An authenticator app, as RFC 6238 describes it."""

from __future__ import annotations

import base64
import hmac

STEP_SECONDS = 30


def totp_code(key: str, at: float) -> str:
    """What the app with ``key`` shows at the time ``at``."""
    counter = (int(at) // STEP_SECONDS).to_bytes(8, "big")
    digest = hmac.digest(base64.b32decode(key), counter, "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
