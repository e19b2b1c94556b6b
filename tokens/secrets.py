"""What a provider's secret may look like, and what of it may be shown. Pure."""

from __future__ import annotations

import re

MAX_LENGTH = 4096


class SecretRefused(ValueError):
    pass


def clean_secret(text: str) -> str:
    """The key in what was pasted: without white space, quotes, ``NAME=`` and ``Bearer``.

    Raises SecretRefused where it could not be an HTTP header, with words that say why.
    """
    secret = _bare(text)
    if not secret:
        raise SecretRefused("The secret is empty.")
    if len(secret) > MAX_LENGTH:
        raise SecretRefused(f"The secret is longer than {MAX_LENGTH:,} characters.")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise SecretRefused("The secret contains a space, a line break or a character that no provider uses.")
    return secret


def _bare(text: str) -> str:
    """Peels one wrapping after the other, as of ``export OPENAI_API_KEY="Bearer sk-…"``."""
    secret = _INVISIBLE.sub("", text).strip(_AROUND)
    while wrapped := _WRAPPING.match(secret):
        secret = secret[wrapped.end() :].strip(_AROUND)
    return secret


# What pages and editors add that nobody sees: marks of width, direction and byte order.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_AROUND = " \t\r\n\"'`“”‘’,;"
_WRAPPING = re.compile(
    r"""(?i:bearer)\s+
    | (?i:export\s+ | set\s+ | \$env:)? ([A-Z][A-Z0-9_]{2,} | (?i:[a-z_]*(key|token|secret))) \s*=\s* (?=[^=\s])
    | (?i:[a-z-]*[_-]?(key|token|secret|authorization)) ["']? \s*:\s* (?=\S)""",
    re.VERBOSE,
)


def hint_of(secret: str) -> str:
    """The first and last four characters, or fewer where that would give away much of a short secret; '' of none."""
    if not secret:
        return ""
    if len(secret) >= 24:
        return f"{secret[:4]}…{secret[-4:]}"
    return f"…{secret[-2:]}" if len(secret) >= 12 else "…"
