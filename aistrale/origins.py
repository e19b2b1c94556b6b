"""Which pages may open sockets: those of this site alone. Cookies tell no port of a host from another, origins do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

Application = Callable[..., Awaitable[None]]


class OwnPages:
    """Refuses, before it is accepted, a socket of any other origin or of none.

    Ours is the public address, or the address under which the server was asked, if it is allowed by name: ``*``, as
    while the server is developed, allows none.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        is_ours = _is_ours(headers.get(b"origin", ""), headers.get(b"host", ""))
        await (self._application if is_ours else WebsocketDenier())(scope, receive, send)


def _is_ours(origin: str, host: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    names = [name for name in settings.ALLOWED_HOSTS if name and name != "*"]
    asked = f"{'https' if settings.HTTPS else 'http'}://{host}"
    return origin == asked and validate_host(split_domain_port(host)[0], names)
