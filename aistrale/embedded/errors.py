from __future__ import annotations


class ServerError(Exception):
    """An embedded server cannot start; the message is one line that also says what to do. It holds no secret."""


class EndedEarlyError(ServerError):
    """The server's process ended before it was ready."""
