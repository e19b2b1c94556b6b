"""What a process sends to receivers of errors, traces and logs, where they are configured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aistrale import log_export, sentry, tracing


@contextmanager
def observed(role: str) -> Iterator[None]:
    """While a process works. ``role``: web or worker. At the end, what waits is sent for some seconds."""
    sentry.begin()
    providers = [provider for provider in (tracing.begin(role), log_export.begin(role)) if provider]
    try:
        yield
    finally:
        for provider in providers:
            provider.shutdown()
        sentry.end()
