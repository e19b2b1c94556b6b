"""The end of a server that others take over from: no new connections, and no request left without its answer."""

from __future__ import annotations

import asyncio
from typing import Any

from daphne.http_protocol import WebRequest

# Of connections that were taken a moment ago, the requests are still to come; of answers, the last bytes are to leave.
SETTLE_SECONDS = 0.3


async def finish_requests(server: Any, *, within: float) -> None:
    """Take no more connections, then wait until every request has its answer, but no longer than ``within`` seconds.

    ``server`` is a ``PatientServer``. Its sockets stay open; to whoever connects from now on, the port is closed.
    """
    for port in server.ports:
        # What the kernel has accepted already would otherwise be reset.
        port.doRead()
        await port.stopListening().asFuture(asyncio.get_running_loop())
    await asyncio.sleep(SETTLE_SECONDS)
    if answering := _answering(server):
        await asyncio.wait(answering, timeout=within)
    await asyncio.sleep(SETTLE_SECONDS)


def _answering(server: Any) -> list[asyncio.Future[None]]:
    return [
        details["application_instance"]
        for protocol, details in server.connections.items()
        if isinstance(protocol, WebRequest) and "application_instance" in details
    ]
