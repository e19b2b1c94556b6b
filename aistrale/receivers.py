"""What doctor asks those who are sent something from here, or fetch it: each one whether it takes what it would get.

Each check returns what it found, or raises ``Failed`` or ``Warned``. Nothing that a receiver would keep is sent.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from sentry_sdk.utils import BadDsn, Dsn
from yarl import URL

from aistrale.findings import Failed, Warned
from tokens.outgoing import proxy_for, tls

SECONDS = 2.5
OFF = "off"
SHORTEST_TOKEN = 16
# Counts what a client has not sent, of which there is nothing: no event comes of it.
_NO_EVENT = b'{}\n{"type":"client_report"}\n{"discarded_events":[]}\n'


def traces() -> str:
    if not settings.OTLP_ENDPOINT:
        return OFF
    url = f"{settings.OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    # A message of protobuf without any spans.
    _post(url, b"", {"Content-Type": "application/x-protobuf"}, setting="AISTRALE_OTLP_ENDPOINT")
    return f"{_host(url)} takes {settings.TRACE_RATIO:.0%} of the traces, and those with errors"


def logs() -> str:
    if not settings.OTLP_LOGS_ENDPOINT:
        return OFF
    url = f"{settings.OTLP_LOGS_ENDPOINT.rstrip('/')}/v1/logs"
    _post(url, b"", {"Content-Type": "application/x-protobuf"}, setting="AISTRALE_OTLP_LOGS_ENDPOINT")
    return f"{_host(url)} takes the log"


def errors() -> str:
    if not settings.SENTRY_DSN:
        return OFF
    try:
        auth = Dsn(settings.SENTRY_DSN).to_auth("aistrale")
    except BadDsn:
        raise Failed("AISTRALE_SENTRY_DSN is no DSN, such as https://key@host/1: copy it from the project.") from None
    headers = {"X-Sentry-Auth": auth.to_header(), "Content-Type": "application/x-sentry-envelope"}
    _post(auth.get_api_url(), _NO_EVENT, headers, setting="AISTRALE_SENTRY_DSN")
    return f"{auth.host} takes errors"


def metrics() -> str:
    if not (settings.METRICS_TOKEN or settings.METRICS_ADDRESSES):
        return OFF
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        raise Warned(f"AISTRALE_METRICS_TOKEN is short: use {SHORTEST_TOKEN} characters or more.")
    open_to = ["the token"] if settings.METRICS_TOKEN else []
    return f"/metrics is open to {', '.join([*open_to, *settings.METRICS_ADDRESSES])}"


def outgoing() -> str:
    """The operator's proxy and certificate authorities."""
    if settings.CA_FILE:
        _check_authorities(Path(settings.CA_FILE))
    if not settings.OUTGOING_PROXY:
        return "directly" if not settings.CA_FILE else f"directly, trusting {settings.CA_FILE}"
    proxy = urlsplit(settings.OUTGOING_PROXY)
    try:
        # It need not like that it is asked by itself.
        httpx2.get(f"{proxy.scheme}://{proxy.hostname}:{proxy.port or 80}/", timeout=SECONDS, trust_env=False)
    except httpx2.HTTPError as error:
        raise Failed(f"The proxy {proxy.hostname} does not answer: check AISTRALE_OUTGOING_PROXY.") from error
    return f"by way of {proxy.hostname}"


def _check_authorities(file: Path) -> None:
    try:
        ssl.create_default_context(cafile=str(file))
    except (OSError, ssl.SSLError) as error:
        raise Failed(f"AISTRALE_CA_FILE names {file}, which is no readable file of certificates.") from error


def _post(url: str, body: bytes, headers: Mapping[str, str], *, setting: str) -> None:
    host = _host(url)
    try:
        proxy = proxy_for(URL(url))
        with httpx2.Client(verify=tls(), proxy=proxy, timeout=SECONDS, trust_env=False) as client:
            answer = client.post(url, content=body, headers=dict(headers))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise Failed(f"{host} does not answer ({type(error).__name__}): start it, or check {setting}.") from error
    if answer.status_code in (401, 403):
        raise Failed(f"{host} refuses what it is sent ({answer.status_code}): check {setting}.")
    if not answer.is_success:
        raise Failed(f"{host} answers {answer.status_code}: check {setting}.")


def _host(url: str) -> str:
    """Without what a URL may hold of secrets."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


CHECKS: dict[str, Callable[[], str]] = {
    "Outgoing": outgoing,
    "Metrics": metrics,
    "Traces": traces,
    "Logs": logs,
    "Errors": errors,
}
