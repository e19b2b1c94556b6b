"""Authenticator apps whose clock is wrong, told from the codes they show."""

from __future__ import annotations

import time
from itertools import count, takewhile

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.app_settings import TOTP_PERIOD
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

# A wrong code fits by chance into an hour on either side once in 4,000 times.
WIDEST_SECONDS = 3600


def seconds_fast(key: str, code: str) -> int | None:
    """How far the clock of an app with ``key`` that shows ``code`` is ahead; None if it is not within an hour.

    Only for somebody who sees the key anyway. To anyone else it would tell codes that are going to be right.
    """
    now = int(time.time()) // TOTP_PERIOD
    for steps in takewhile(lambda number: number * TOTP_PERIOD <= WIDEST_SECONDS, count()):
        for sign in (1, -1):
            if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(key, now + sign * steps))):
                return sign * steps * int(TOTP_PERIOD)
    return None


def in_words(seconds: int) -> str:
    """Such as "3 minutes fast". Minutes are whole ones, and at least one."""
    minutes = max(1, round(abs(seconds) / 60))
    return f"{minutes} minute{'' if minutes == 1 else 's'} {'fast' if seconds > 0 else 'slow'}"
