"""Which addresses a secret may be sent to, and those of well-known servers. Pure: no look-ups, no settings."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

# 127.1, 2130706433, 0x7f.0.0.1: the forms in which a resolver takes an IPv4 address besides the usual one.
_NUMBER = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?")
_NAT64 = IPv6Network("64:ff9b::/96")
# All of IPv6 that is handed out. Python takes more for global: IPv4 addresses in old disguises (::127.0.0.1,
# ::ffff:0:127.0.0.1), site-local ones, translators of one's own.
_UNICAST = IPv6Network("2000::/3")
# Of the protocols themselves, of which Python takes some for global, and documentation, which it does not know yet.
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv6Network("3fff::/20"))

# Where clouds hand out credentials to whoever asks from within.
_METADATA = frozenset(("metadata.google.internal", "metadata", "instance-data", "fd00:ec2::254", "100.100.100.200"))
_NO_HOST = "Enter a host name or IP address, such as gpu-1.lan or gpu-1.lan:8000."

REMEDY = "To allow this host, an administrator must add it under Allowed hosts."

# The provider whose endpoints they are.
COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class Preset:
    """``is_hosted``: a vendor on the public internet, which asks for a key; the others are run by oneself."""

    label: str
    base_url: str
    is_hosted: bool = False


# November 2026. Of those that one runs, the port is the default one.
PRESETS: dict[str, Preset] = {
    "ollama": Preset("Ollama", "http://localhost:11434/v1"),
    "vllm": Preset("vLLM", "http://localhost:8000/v1"),
    "lmstudio": Preset("LM Studio", "http://localhost:1234/v1"),
    "llamacpp": Preset("llama.cpp", "http://localhost:8080/v1"),
    "openrouter": Preset("OpenRouter", "https://openrouter.ai/api/v1", is_hosted=True),
    "together": Preset("Together", "https://api.together.xyz/v1", is_hosted=True),
    "deepseek": Preset("DeepSeek", "https://api.deepseek.com/v1", is_hosted=True),
    "mistral": Preset("Mistral", "https://api.mistral.ai/v1", is_hosted=True),
    "xai": Preset("xAI", "https://api.x.ai/v1", is_hosted=True),
}
HOSTED_URLS = frozenset(preset.base_url for preset in PRESETS.values() if preset.is_hosted)


class BaseUrlRefused(ValueError):
    pass


def clean_base_url(text: str, *, trusted_hosts: Collection[str]) -> str:
    """The address without a trailing slash, or '' for the provider's own. Raises BaseUrlRefused.

    ``trusted_hosts`` are written ``host`` or ``host:port``; they may be private, and be reached without TLS.
    """
    text = text.strip().rstrip("/")
    if "?" in text or "#" in text:
        raise BaseUrlRefused("The URL must not have a query or a fragment.")
    return clean_url(text, trusted_hosts=trusted_hosts, remedy=REMEDY) if text else ""


def clean_url(text: str, *, trusted_hosts: Collection[str], remedy: str) -> str:
    """The address as requests are sent to it. ``remedy``: how a host comes to be trusted. Raises BaseUrlRefused."""
    text = text.strip()
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise BaseUrlRefused("The URL contains a character that is not allowed in URLs.")
    scheme, host, port = _split(text)
    if scheme not in ("http", "https"):
        raise BaseUrlRefused("The URL must start with https://.")
    if is_trusted(host, port or (443 if scheme == "https" else 80), trusted_hosts):
        return text
    if scheme == "http":
        raise BaseUrlRefused(f"Only https URLs are allowed. {remedy}")
    if _is_address(host) and not is_public(host):
        raise BaseUrlRefused(f"This host is not on the public internet. {remedy}")
    return text


def _split(text: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BaseUrlRefused("Enter a valid URL, such as https://host/v1.") from None
    if not host:
        raise BaseUrlRefused("Enter a full URL, such as https://host/v1.")
    if "@" in parts.netloc:
        raise BaseUrlRefused("The URL must not contain a user name or password.")
    return parts.scheme, host, port


def is_trusted(host: str, port: int, trusted_hosts: Collection[str]) -> bool:
    trusted = {name.lower() for name in trusted_hosts}
    return host.lower() in trusted or f"{host.lower()}:{port}" in trusted


def _is_address(host: str) -> bool:
    return ":" in host or _NUMBER.fullmatch(host) is not None


def is_public(address: str) -> bool:
    """Whether an IP address in its usual form is on the public internet; False for anything else."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return _is_global(ip) and all(_is_global(inner) for inner in _embedded(ip))


def _is_global(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address) and ip not in _UNICAST and ip not in _NAT64 and not ip.ipv4_mapped:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _SPECIAL)


def _embedded(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses to which an IPv6 one may lead in the end."""
    if isinstance(ip, IPv4Address):
        return []
    translated = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
    return [inner for inner in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ()), translated) if inner]


def clean_host(text: str) -> str:
    """``host`` or ``host:port``, as it is compared with those of base URLs, from what an administrator wrote or pasted.

    Raises BaseUrlRefused.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BaseUrlRefused(_NO_HOST) from None
    if not host or not (text.isascii() and text.isprintable()) or any(mark in text for mark in " \\@*,"):
        raise BaseUrlRefused(_NO_HOST)
    if host in _METADATA or _is_link_local(host):
        raise BaseUrlRefused("This address hands out credentials of cloud servers. It cannot be allowed.")
    return f"{host}:{port}" if port else host


def _is_link_local(host: str) -> bool:
    try:
        return ip_address(host).is_link_local
    except ValueError:
        return False
