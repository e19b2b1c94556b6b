"""Where requests to other servers may go: to public addresses, and to hosts that are trusted.

What a name resolves to is checked here and connected to as it was checked, so that a name that changes its mind
between the two gains nothing. A proxy of the operator (``AISTRALE_OUTGOING_PROXY``) looks names up by itself.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache

import httpx2
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.helpers import is_ip_address
from django.conf import settings
from yarl import URL

from tokens.base_urls import is_public, is_trusted

_TUNNEL_SECONDS = 0.1


class AddressRefused(Exception):
    """The request would go to an address that is not public."""


@dataclass(frozen=True, slots=True)
class Trust:
    """``allows``: whether a host may be private, by name and port. ``remedy``: who can change that, as a sentence."""

    allows: Callable[[str, int], Awaitable[bool]]
    remedy: str


def trust_in_setting(name: str) -> Trust:
    """Of the hosts that a setting lists."""

    async def allows(host: str, port: int) -> bool:
        return is_trusted(host, port, getattr(settings, name))

    return Trust(allows, f"The operator can allow it in AISTRALE_{name}.")


class PublicResolver(AbstractResolver):
    def __init__(self, trust: Trust) -> None:
        self._resolver = ThreadedResolver()
        self._trust = trust
        # Names that lead to private addresses: a connection that is kept must not outlive the leave to use it.
        self._private: set[str] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises AddressRefused for a name that leads, with any of its addresses, to where requests may not go.

        By way of a proxy only its own name is asked for: where the others lead is for the proxy to judge.
        """
        found = await self._resolver.resolve(host, port, family)
        if not _is_proxy(host, port) and not all(is_public(result["host"]) for result in found):
            await self._check_private(host, port)
            self._private.add(host)
        return found

    async def check(self, url: URL) -> None:
        """Before each request: names are resolved for new connections only, IP addresses never.

        Raises AddressRefused.
        """
        host = url.host or ""
        is_private = not is_public(host) if is_ip_address(host) else host in self._private
        if is_private:
            await self._check_private(host, url.port or 0)

    async def _check_private(self, host: str, port: int) -> None:
        if not await self._trust.allows(host, port):
            raise AddressRefused(
                f"The host {host} is not on the public internet, and calls to it are not allowed. {self._trust.remedy}"
            )

    async def close(self) -> None:
        await self._resolver.close()


def proxy_for(url: URL) -> str | None:
    """That of the operator, which alone may be used: what the environment says may be meant for others."""
    if not settings.OUTGOING_PROXY or any(_is_below(url.host or "", name) for name in settings.NO_PROXY):
        return None
    proxy: str = settings.OUTGOING_PROXY
    return proxy


async def close_tunnels() -> None:
    """After a session is closed: below a TLS connection through a proxy, the one to the proxy closes a little later."""
    await asyncio.sleep(_TUNNEL_SECONDS)


def _is_below(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name.lstrip('.')}")


def _is_proxy(host: str, port: int) -> bool:
    proxy = URL(settings.OUTGOING_PROXY)
    return (proxy.host, proxy.port) == (host, port)


def tls() -> ssl.SSLContext:
    return _tls(settings.CA_FILE)


@lru_cache
def _tls(ca_file: str) -> ssl.SSLContext:
    """Reading the certificate authorities takes tens of milliseconds: once is enough."""
    if ca_file:
        return ssl.create_default_context(cafile=ca_file)
    return httpx2.create_ssl_context(trust_env=False)
