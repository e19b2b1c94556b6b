"""All pages below a path of their host, as in https://example.org/aistrale: the proxy passes the path on as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Application = Callable[..., Awaitable[None]]


def path_of(scope: Scope) -> str:
    """As the routes know it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class BasePath:
    """Tells the application what of the path is not its own.

    Whoever asks without it is answered too: orchestrators and Prometheus know nothing of it.
    """

    def __init__(self, application: Application, base_path: str) -> None:
        self._application = application
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if self._base_path and f"{path}/".startswith(f"{self._base_path}/"):
            # The routes begin with a slash, also where somebody has left it out.
            path = f"{path}/" if path == self._base_path else path
            scope = {**scope, "path": path, "root_path": self._base_path}
        await self._application(scope, receive, send)
