"""Who a request comes from, where a reverse proxy stands in front of us and says so in headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Scope = dict[str, Any]
Application = Callable[..., Awaitable[None]]

_PREFIX = b"x-forwarded-"


class Forwarded:
    """Believes the ``X-Forwarded-`` headers of the proxies given, by address or network, and drops all others.

    The client is the last address in ``X-Forwarded-For`` that is not a proxy's: what stands before it in the list was
    sent by the client itself. Raises ValueError for a proxy that is neither an address nor a network.
    """

    def __init__(self, application: Application, *, proxies: Iterable[str]) -> None:
        self._application = application
        self._proxies = [ip_network(proxy) for proxy in proxies]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, **self._seen(scope)}
        await self._application(scope, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        peer = scope.get("client")
        if peer is None or not is_in(peer[0], self._proxies):
            return {"headers": [(name, value) for name, value in scope["headers"] if not name.startswith(_PREFIX)]}
        hops = _hops(scope["headers"])
        client = next((hop for hop in reversed(hops) if not is_in(hop, self._proxies)), None)
        return {"client": [client, 0]} if client and _is_address(client) else {}


def _hops(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    lists = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return [hop.strip() for hop in ",".join(lists).split(",") if hop.strip()]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_in(text: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in networks)
