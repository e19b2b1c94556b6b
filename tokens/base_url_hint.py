"""What is said under the base URL while it is typed: whether calls may go there, before a secret is sent anywhere."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync

from tokens.allowed_hosts import allowed_hosts
from tokens.base_urls import BaseUrlRefused, clean_base_url, is_public, is_trusted

LOOK_UP_SECONDS = 2.0
NOT_ALLOWED = "Calls without https, or to a private network, are made to allowed hosts only."


@dataclass(frozen=True, slots=True)
class Hint:
    """``host``: one that an administrator can allow, as it would be listed; '' where there is nothing to allow."""

    text: str
    is_problem: bool = False
    host: str = ""


def hint_of(text: str) -> Hint | None:
    """None for an empty text."""
    if not text.strip():
        return None
    trusted = allowed_hosts()
    try:
        url = clean_base_url(text, trusted_hosts=trusted)
    except BaseUrlRefused as error:
        host = _host_of(text)
        return Hint(NOT_ALLOWED if host else str(error), is_problem=True, host=host)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if is_trusted(host, port, trusted):
        return Hint(f"{parts.netloc} is an allowed host.")
    addresses = _look_up(host, port)
    if not addresses:
        return Hint(f"{host} cannot be found from this server. Check the name.", is_problem=True)
    if not all(map(is_public, addresses)):
        return Hint(f"{host} is on a private network. {NOT_ALLOWED}", is_problem=True, host=parts.netloc)
    return Hint(f"{host} is on the public internet and will be called over TLS.")


def _host_of(text: str) -> str:
    """Of a URL that is refused for its host alone."""
    try:
        parts = urlsplit(text.strip())
        return parts.netloc if parts.hostname and parts.scheme in ("http", "https") and "@" not in parts.netloc else ""
    except ValueError:
        return ""


def _look_up(host: str, port: int) -> list[str]:
    try:
        return async_to_sync(_resolve)(host, port)
    except (OSError, TimeoutError, UnicodeError):
        return []


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LOOK_UP_SECONDS):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
