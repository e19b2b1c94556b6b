from __future__ import annotations

import secrets

import pytest
from django.test import Client
from pytest_django import Settings

from aistrale.checks import check_production


def ids() -> set[str | None]:
    return {message.id for message in check_production()}


def test_it_accepts_the_settings_of_a_first_start() -> None:
    assert ids() == set()


# The keys are random, and parallel test processes have to agree on the names of the tests.
@pytest.mark.parametrize(
    "key",
    ["short", f"django-insecure-{secrets.token_urlsafe(60)}", "change-me" * 10],
    ids=["short", "insecure", "example"],
)
def test_it_refuses_a_short_or_example_secret_key(settings: Settings, key: str) -> None:
    settings.SECRET_KEY = key
    assert ids() == {"aistrale.E002"}


def test_w1_it_refuses_any_host(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert ids() == {"aistrale.E003"}


def test_it_refuses_debugging_where_other_machines_can_see_it(settings: Settings) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["aistrale.test"]
    assert ids() == {"aistrale.E001"}


def test_it_refuses_https_without_a_proxy_that_would_speak_it(settings: Settings) -> None:
    settings.HTTPS = True
    assert ids() == {"aistrale.E004"}


@pytest.mark.parametrize("proxy", ["proxy.example", "10.0.0.1/8", ""])
def test_it_refuses_a_proxy_without_an_address(settings: Settings, proxy: str) -> None:
    settings.PROXIES = ["127.0.0.1", "10.0.0.0/8", proxy]
    assert ids() == {"aistrale.E006"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/no-such-page", "/static/no-such-file"])
def test_every_answer_has_the_security_headers(path: str) -> None:
    headers = Client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for directive in ("object-src", "base-uri", "frame-ancestors"):
        assert f"{directive} 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
