"""Hosts as administrators write them: ``host``, ``host:port``, or a whole URL that was pasted. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

# Where clouds hand out credentials to whoever asks from within.
_METADATA = frozenset(("metadata.google.internal", "metadata", "instance-data", "fd00:ec2::254", "100.100.100.200"))


class HostRefused(ValueError):
    pass


def clean_host(text: str) -> str:
    """As it is compared with those of base URLs. Raises HostRefused."""
    text = text.strip()
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text or "@" in text:
        raise HostRefused("Enter a host name or IP address, such as gpu-1.lan or gpu-1.lan:8000.")
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise HostRefused("Enter a host name or IP address, such as gpu-1.lan or gpu-1.lan:8000.") from None
    if not host or "*" in host or "," in host:
        raise HostRefused("Enter a host name or IP address, such as gpu-1.lan or gpu-1.lan:8000.")
    if host in _METADATA or _is_link_local(host):
        raise HostRefused("This address hands out credentials of cloud servers. It cannot be allowed.")
    return f"{host}:{port}" if port else host


def _is_link_local(host: str) -> bool:
    try:
        return ip_address(host).is_link_local
    except ValueError:
        return False
