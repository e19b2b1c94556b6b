"""Settings with which nobody else should be let in, or no secret opens. With them `manage.py serve` does not start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error

from aistrale.settings import env
from tokens import envelope

SHORTEST_SECRET_KEY = 50
EXAMPLE_WORDS = ("insecure", "example", "change", "secret-key", "secret_key")
OWN_MACHINE = {"localhost", "127.0.0.1", "::1", "testserver"}


def check_production(**_: Any) -> list[CheckMessage]:
    return [
        *_check_debug(),
        *_check_secret_key(),
        *_check_master_keys(),
        *_check_hosts(),
        *_check_proxy(),
        *_check_networks("AISTRALE_METRICS_ADDRESSES", settings.METRICS_ADDRESSES),
        *_check_sso(),
    ]


def master_keys_problem() -> str:
    """What is wrong with the master keys, and where they are; '' where nothing is. Never holds a key."""
    try:
        envelope.parse_master_keys(settings.MASTER_KEYS)
    except envelope.MasterKeysInvalid as error:
        return f"AISTRALE_MASTER_KEYS ({env.origin('AISTRALE_MASTER_KEYS')}) cannot be used: {error}"
    return ""


def _check_debug() -> Iterator[CheckMessage]:
    strangers = set(settings.ALLOWED_HOSTS) - OWN_MACHINE
    if settings.DEBUG and (settings.HTTPS or strangers):
        yield Error(
            "AISTRALE_DEBUG is on while other machines may ask for pages; its error pages show settings and source.",
            hint="Unset AISTRALE_DEBUG.",
            id="aistrale.E001",
        )


def _check_secret_key() -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY.lower()
    if len(key) < SHORTEST_SECRET_KEY or any(word in key for word in EXAMPLE_WORDS):
        yield Error(
            f"SECRET_KEY is an example or shorter than {SHORTEST_SECRET_KEY} characters.",
            hint="Unset it and let `make run` create one, or use `openssl rand -base64 48`.",
            id="aistrale.E002",
        )


def _check_master_keys() -> Iterator[CheckMessage]:
    if problem := master_keys_problem():
        yield Error(
            problem,
            hint="Write one <id>:<base64 of 32 bytes> on each line, as in the copy that you keep of them.",
            id="aistrale.E007",
        )


def _check_hosts() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS and not settings.DEBUG:
        yield Error(
            "AISTRALE_ALLOWED_HOSTS contains *, which also lets any web page open sockets to this server.",
            hint="List the host names under which the server is reached.",
            id="aistrale.E003",
        )


def _check_proxy() -> Iterator[CheckMessage]:
    if settings.HTTPS and not settings.BEHIND_PROXY:
        yield Error(
            f"AISTRALE_PUBLIC_URL is https ({urlsplit(settings.PUBLIC_URL).netloc}), but the server itself speaks http "
            "only: every page would redirect to itself.",
            hint="Put it behind a reverse proxy that sets X-Forwarded-Proto, and set AISTRALE_BEHIND_PROXY=true.",
            id="aistrale.E004",
        )
    yield from _check_networks("AISTRALE_PROXIES", settings.PROXIES)


def _check_networks(name: str, networks: Iterable[str]) -> Iterator[CheckMessage]:
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            yield Error(
                f"{name}: {network!r} is neither an address nor a network.",
                hint="Write for example 10.0.0.5 or 10.0.0.0/24.",
                id="aistrale.E006",
            )


def _check_sso() -> Iterator[CheckMessage]:
    server = urlsplit(settings.OIDC_SERVER)
    if server.scheme == "http" and server.hostname not in OWN_MACHINE:
        yield Error(
            f"AISTRALE_OIDC_SERVER ({server.netloc}) is asked without TLS: anybody on the way could answer for it.",
            hint="Use its https address.",
            id="aistrale.E005",
        )
