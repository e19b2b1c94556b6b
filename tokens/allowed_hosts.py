"""Hosts that calls to providers may go to although they are private, or without TLS.

The operator lists some in the environment; administrators allow others on a page, which is audited.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connections, transaction

from accounts.models import User
from audit.services import record
from tokens.actions import TokensAction
from tokens.base_urls import BaseUrlRefused, clean_base_url, is_public, is_trusted
from tokens.models import AllowedHost
from tokens.outgoing import Trust

# How long a process goes by what it has read: a host that was removed is called for so long at most.
KEPT_SECONDS = 5.0
LOOK_UP_SECONDS = 2.0
NOT_ALLOWED = "Calls without https, or to a private network, are made to allowed hosts only."
REMEDY = "An administrator can allow it under Allowed hosts."

log = structlog.get_logger(__name__)


def allowed_hosts() -> list[str]:
    """As ``host`` or ``host:port``."""
    return [*settings.PROVIDER_HOSTS, *AllowedHost.objects.values_list("host", flat=True)]


@transaction.atomic
def allow_host(*, host: str, note: str, actor: User) -> AllowedHost:
    """Raises ValidationError for a host that is on the list already."""
    allowed = AllowedHost(host=host, note=note, added_by=actor)
    if host.lower() in (known.lower() for known in allowed_hosts()):
        raise ValidationError({"host": f"{host} is already allowed."})
    allowed.save(force_insert=True)
    record(action=TokensAction.HOST_ALLOW, actor=actor, target=allowed, after={"host": host, "note": note})
    transaction.on_commit(forget)
    return allowed


@transaction.atomic
def remove_host(*, allowed: AllowedHost, actor: User) -> None:
    """Calls under way go on to their end."""
    AllowedHost.objects.filter(pk=allowed.pk).delete()
    record(action=TokensAction.HOST_REMOVE, actor=actor, target=allowed, before={"host": allowed.host})
    transaction.on_commit(forget)


async def is_allowed(host: str, port: int) -> bool:
    """From the event loop; asks the database only for hosts that the environment does not list."""
    if is_trusted(host, port, settings.PROVIDER_HOSTS):
        return True
    if time.monotonic() - _kept.read_at > KEPT_SECONDS:
        _kept.hosts, _kept.read_at = await sync_to_async(_read, thread_sensitive=False)(), time.monotonic()
    return is_trusted(host, port, _kept.hosts)


class _Kept:
    hosts: Collection[str] = ()
    read_at: float = -KEPT_SECONDS


_kept = _Kept()


def forget() -> None:
    """In this process; others do so by themselves in a few seconds."""
    _kept.read_at = -KEPT_SECONDS


def _read() -> Collection[str]:
    try:
        return list(AllowedHost.objects.values_list("host", flat=True))
    except (OperationalError, InterfaceError) as error:
        # Nothing is allowed that cannot be looked up.
        log.warning("allowed_hosts_not_read", error=type(error).__name__)
        return ()
    finally:
        connections.close_all()


TRUST = Trust(is_allowed, REMEDY)


@dataclass(frozen=True, slots=True)
class Hint:
    """``host``: one that an administrator can allow, as it would be listed; '' where there is nothing to allow."""

    text: str
    is_problem: bool = False
    host: str = ""


def hint_of(text: str) -> Hint | None:
    """What is said of a base URL while it is typed, before a secret is sent anywhere. None for an empty text."""
    if not text.strip():
        return None
    trusted = allowed_hosts()
    try:
        url = clean_base_url(text, trusted_hosts=trusted)
    except BaseUrlRefused as error:
        host = _host_of(text)
        return Hint(NOT_ALLOWED if host else str(error), is_problem=True, host=host)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if is_trusted(host, port, trusted):
        return Hint(f"{parts.netloc} is an allowed host.")
    addresses = _look_up(host, port)
    if not addresses:
        return Hint(f"{host} cannot be found from this server. Check the name.", is_problem=True)
    if not all(map(is_public, addresses)):
        return Hint(f"{host} is on a private network. {NOT_ALLOWED}", is_problem=True, host=parts.netloc)
    return Hint(f"{host} is on the public internet and will be called over TLS.")


def _host_of(text: str) -> str:
    """Of a URL that is refused for its host alone."""
    try:
        parts = urlsplit(text.strip())
        return parts.netloc if parts.hostname and parts.scheme in ("http", "https") and "@" not in parts.netloc else ""
    except ValueError:
        return ""


def _look_up(host: str, port: int) -> list[str]:
    try:
        return async_to_sync(_resolve)(host, port)
    except (OSError, TimeoutError, UnicodeError):
        return []


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LOOK_UP_SECONDS):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
