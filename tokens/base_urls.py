"""Which addresses a token's secret may be sent to. Pure: no look-ups, no settings."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit


class BaseUrlRefused(ValueError):
    pass


def clean_base_url(text: str, *, trusted_hosts: Collection[str]) -> str:
    """The address without a trailing slash, or '' for the provider's own. Raises BaseUrlRefused.

    ``trusted_hosts`` are written ``host`` or ``host:port`` and may also be reached without TLS.
    """
    text = text.strip().rstrip("/")
    if not text:
        return ""
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise BaseUrlRefused("The address contains a character that does not belong there.")
    scheme, host, port = _split(text)
    if scheme == "https" or (scheme == "http" and _is_trusted(host, port, trusted_hosts)):
        return text
    if scheme == "http":
        raise BaseUrlRefused("Use https, or have the operator add this host to AISTRALE_PROVIDER_HOSTS.")
    raise BaseUrlRefused("The address must begin with https://.")


def _split(text: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BaseUrlRefused("This is not a valid address.") from None
    if not host:
        raise BaseUrlRefused("The address names no host.")
    if "@" in parts.netloc:
        raise BaseUrlRefused("The address must not hold a user name or password.")
    if "?" in text or "#" in text:
        raise BaseUrlRefused("The address must not hold a query or a fragment.")
    return parts.scheme, host, port


def _is_trusted(host: str, port: int | None, trusted_hosts: Collection[str]) -> bool:
    trusted = {name.lower() for name in trusted_hosts}
    return host in trusted or f"{host}:{port or 80}" in trusted
