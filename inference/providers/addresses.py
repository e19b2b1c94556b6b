"""Where calls may go: to public addresses, and to hosts that the operator trusts (``AISTRALE_PROVIDER_HOSTS``).

What a name resolves to is checked here and connected to as it was checked, so that a name that changes its mind
between the two gains nothing.
"""

from __future__ import annotations

import socket

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings

from inference.providers.errors import BadRequest
from tokens.base_urls import is_public, is_trusted


class PublicResolver(AbstractResolver):
    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises BadRequest for a name that leads, with any of its addresses, to where calls may not go."""
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            check_address(result["host"], name=host, port=port)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def check_address(address: str, *, name: str, port: int) -> None:
    """``name`` is what the address was asked for by, or the address itself. Raises BadRequest."""
    if not is_public(address) and not is_trusted(name, port, settings.PROVIDER_HOSTS):
        raise BadRequest(
            f"The host {name} is not on the public internet, and calls to it are not allowed. "
            "The operator can allow it in AISTRALE_PROVIDER_HOSTS."
        )
