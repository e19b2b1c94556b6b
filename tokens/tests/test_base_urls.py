from __future__ import annotations

import pytest

from tokens.base_urls import BaseUrlRefused, clean_base_url

TRUSTED = ["localhost:11434", "gpu-box"]


@pytest.mark.parametrize(
    "url",
    ["https://llm.example.org/v1", "http://localhost:11434/v1", "http://gpu-box:9000/v1", "HTTPS://llm.example.org"],
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
        ("http://llm.example.org/v1", "Use https"),
        ("http://localhost:8080/v1", "Use https"),
        ("http://localhost.evil.example/v1", "Use https"),
        ("file:///etc/passwd", "names no host"),
        ("ftp://llm.example.org", "begin with https"),
        ("llm.example.org/v1", "names no host"),
        ("https://", "names no host"),
        ("https://user@llm.example.org", "user name or password"),
        ("https://user:pw@llm.example.org", "user name or password"),
        ("http://localhost:11434@evil.example/", "user name or password"),
        ("https://llm.example.org/v1?x=1", "query or a fragment"),
        ("https://llm.example.org/v1#x", "query or a fragment"),
        ("https://llm.example.org#", "query or a fragment"),
        ("https://llm.example.org:99999/", "not a valid address"),
        ("https://[::1/", "not a valid address"),
        ("https://evil.example\\@llm.example.org", "character"),
        ("https://llm.example.org/\nHost: x", "character"),
        ("https://llm.exämple.org", "character"),
    ],
)
def test_it_refuses(url: str, message: str) -> None:
    with pytest.raises(BaseUrlRefused, match=message):
        clean_base_url(url, trusted_hosts=TRUSTED)
