"""The operator's proxy and certificate authorities, for libraries that ask the environment for them.

Calls of providers and webhooks do not (``tokens.outgoing``); single sign-on, checkpoints, traces, logs and Sentry do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

LOCAL = ("localhost", "127.0.0.1", "::1")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def publish(*, proxy: str, no_proxy: Sequence[str], ca_file: str) -> None:
    """What the environment says of proxies is meant for others: nothing is to go elsewhere by accident."""
    for name in _PROXIES:
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    if proxy:
        os.environ |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": ",".join(no_proxy)}
    if ca_file:
        os.environ |= {"SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file}
