"""What a provider's secret may look like, and what of it may be shown. Pure."""

from __future__ import annotations

MAX_LENGTH = 4096


class SecretRefused(ValueError):
    pass


def clean_secret(text: str) -> str:
    """Without the white space that pasting adds. Raises SecretRefused where it could not be an HTTP header."""
    secret = text.strip()
    if not secret:
        raise SecretRefused("The secret is empty.")
    if len(secret) > MAX_LENGTH:
        raise SecretRefused(f"The secret is longer than {MAX_LENGTH:,} characters.")
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise SecretRefused("The secret contains a space, a line break or a character that no provider uses.")
    return secret


def hint_of(secret: str) -> str:
    """The first and last four characters, or fewer where that would give away much of a short secret."""
    if len(secret) >= 24:
        return f"{secret[:4]}…{secret[-4:]}"
    return f"…{secret[-2:]}" if len(secret) >= 12 else "…"
