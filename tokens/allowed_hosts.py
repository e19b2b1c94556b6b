"""Hosts that calls to providers may go to although they are private, or without TLS.

The operator lists some in the environment; administrators allow others on a page, which is audited.
"""

from __future__ import annotations

import time
from collections.abc import Collection

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connections, transaction

from accounts.models import User
from audit.services import record
from tokens.actions import TokensAction
from tokens.base_urls import is_trusted
from tokens.models import AllowedHost
from tokens.outgoing import Trust

# How long a process goes by what it has read: a host that was removed is called for so long at most.
KEPT_SECONDS = 5.0
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
