from __future__ import annotations

import pytest

from tokens.base_urls import BaseUrlRefused, clean_base_url, is_public

TRUSTED = ["localhost:11434", "gpu-box"]


@pytest.mark.parametrize(
    "url",
    [
        "https://llm.example.org/v1",
        "http://localhost:11434/v1",
        "http://gpu-box:9000/v1",
        "HTTPS://llm.example.org",
        "https://8.8.8.8/v1",
    ],
)
def test_it_takes(url: str) -> None:
    assert clean_base_url(url, trusted_hosts=TRUSTED) == url


def test_it_drops_white_space_and_the_last_slash() -> None:
    assert clean_base_url(" https://llm.example.org/v1/ ", trusted_hosts=[]) == "https://llm.example.org/v1"


@pytest.mark.parametrize("url", ["", "  "])
def test_it_takes_nothing_for_the_providers_own(url: str) -> None:
    assert clean_base_url(url, trusted_hosts=[]) == ""


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://llm.example.org/v1", "Only https"),
        ("http://localhost:8080/v1", "Only https"),
        ("http://localhost.evil.example/v1", "Only https"),
        ("https://10.0.0.1/v1", "not on the public"),
        ("https://169.254.169.254/latest", "not on the public"),
        ("https://[::1]/v1", "not on the public"),
        ("https://[::ffff:127.0.0.1]/v1", "not on the public"),
        ("https://[::127.0.0.1]/v1", "not on the public"),
        ("https://127.0.0.1./v1", "not on the public"),
        ("https://0/v1", "not on the public"),
        ("https://2130706433/v1", "not on the public"),
        ("https://0x7f.1/v1", "not on the public"),
        ("https://0177.0.0.1/v1", "not on the public"),
        ("file:///etc/passwd", "full URL"),
        ("ftp://llm.example.org", "start with https"),
        ("llm.example.org/v1", "full URL"),
        ("https://", "full URL"),
        ("https://user@llm.example.org", "user name or password"),
        ("https://user:pw@llm.example.org", "user name or password"),
        ("http://localhost:11434@evil.example/", "user name or password"),
        ("https://llm.example.org/v1?x=1", "query or a fragment"),
        ("https://llm.example.org/v1#x", "query or a fragment"),
        ("https://llm.example.org#", "query or a fragment"),
        ("https://llm.example.org:99999/", "valid URL"),
        ("https://[::1/", "valid URL"),
        ("https://evil.example\\@llm.example.org", "character"),
        ("https://llm.example.org/\nHost: x", "character"),
        ("https://llm.exämple.org", "character"),
    ],
)
def test_it_refuses(url: str, message: str) -> None:
    with pytest.raises(BaseUrlRefused, match=message):
        clean_base_url(url, trusted_hosts=TRUSTED)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_it_knows_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff0e::1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "::7f00:1",
        "::ffff:0:7f00:1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "3fff::1",
        "192.0.0.8",
        "198.18.0.1",
        "127.1",
        "2130706433",
        "example.org",
    ],
)
def test_it_knows_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)
