"""Where requests to other servers may go: to public addresses, and to hosts that the operator trusts.

What a name resolves to is checked here and connected to as it was checked, so that a name that changes its mind
between the two gains nothing. A proxy of the operator (``AISTRALE_OUTGOING_PROXY``) looks names up by itself.
"""

from __future__ import annotations

import socket
import ssl
from functools import lru_cache

import httpx2
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.helpers import is_ip_address
from django.conf import settings
from yarl import URL

from tokens.base_urls import is_public, is_trusted


class AddressRefused(Exception):
    """The request would go to an address that is not public."""


class PublicResolver(AbstractResolver):
    """``setting`` names the setting with the hosts that may be private."""

    def __init__(self, setting: str) -> None:
        self._resolver = ThreadedResolver()
        self._setting = setting

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises AddressRefused for a name that leads, with any of its addresses, to where requests may not go.

        By way of a proxy only its own name is asked for: where the others lead is for the proxy to judge.
        """
        found = await self._resolver.resolve(host, port, family)
        if _is_proxy(host, port):
            return found
        for result in found:
            _check_address(result["host"], name=host, port=port, setting=self._setting)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def check_url(url: URL, *, setting: str) -> None:
    """For a URL with an IP address instead of a name, for which no resolver is asked. Raises AddressRefused."""
    if is_ip_address(url.host):
        _check_address(str(url.host), name=str(url.host), port=url.port or 0, setting=setting)


def _check_address(address: str, *, name: str, port: int, setting: str) -> None:
    if not is_public(address) and not is_trusted(name, port, getattr(settings, setting)):
        raise AddressRefused(
            f"The host {name} is not on the public internet, and calls to it are not allowed. "
            f"The operator can allow it in AISTRALE_{setting}."
        )


def proxy_for(url: URL) -> str | None:
    """That of the operator, which alone may be used: what the environment says may be meant for others."""
    if not settings.OUTGOING_PROXY or any(_is_below(url.host or "", name) for name in settings.NO_PROXY):
        return None
    proxy: str = settings.OUTGOING_PROXY
    return proxy


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
