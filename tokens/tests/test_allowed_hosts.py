"""Private hosts: who allows them, what is said of them, and that calls go by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from tokens import allowed_hosts
from tokens.allowed_hosts import Hint, allow_host, hint_of, is_allowed, remove_host
from tokens.base_urls import BaseUrlRefused, clean_host
from tokens.models import AllowedHost
from tokens.services import allowed_base_url

ClientOf = Callable[[User], Client]
LIST = "/tokens/hosts/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    allowed_hosts.forget()
    yield
    allowed_hosts.forget()


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (" gpu-1.lan ", "gpu-1.lan"),
        ("GPU-1.lan:8000", "gpu-1.lan:8000"),
        ("http://gpu-1.lan:8000/v1", "gpu-1.lan:8000"),
        ("[fd00::1]:8000", "fd00::1:8000"),
    ],
)
def test_it_reads_a_host(text: str, host: str) -> None:
    assert clean_host(text) == host


@pytest.mark.parametrize(
    "text", ["", "two words", "*.lan", "a,b", "user@host", "host:99999", "169.254.169.254", "metadata.google.internal"]
)
def test_it_refuses_a_host(text: str) -> None:
    with pytest.raises(BaseUrlRefused):
        clean_host(text)


def test_it_lets_base_urls_name_an_allowed_host(admin: User) -> None:
    allow_host(host="gpu-1.lan:8000", note="", actor=admin)
    assert allowed_base_url("http://gpu-1.lan:8000/v1/") == "http://gpu-1.lan:8000/v1"


def test_it_allows_a_host_once(admin: User, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["localhost:11434"]
    with pytest.raises(ValidationError, match="already allowed"):
        allow_host(host="localhost:11434", note="", actor=admin)


@pytest.mark.django_db(transaction=True)
def test_calls_go_by_the_list_as_it_is_now(admin: User, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["listed.lan"]
    allows = async_to_sync(is_allowed)
    assert allows("listed.lan", 80)
    assert not allows("gpu-1.lan", 8000)
    allowed = allow_host(host="gpu-1.lan:8000", note="", actor=admin)
    assert allows("gpu-1.lan", 8000)
    assert not allows("gpu-1.lan", 22)
    remove_host(allowed=allowed, actor=admin)
    assert not allows("gpu-1.lan", 8000)


def test_an_administrator_allows_and_removes_a_host(admin: User, confirmed_client_of: ClientOf) -> None:
    client = confirmed_client_of(admin)
    assert client.post(LIST, {"host": "http://gpu-1.lan:8000/v1", "note": "vLLM"}).status_code == 302
    allowed = AllowedHost.objects.get()
    assert (allowed.host, allowed.note, allowed.added_by) == ("gpu-1.lan:8000", "vLLM", admin)
    assert "gpu-1.lan:8000" in client.get(LIST).content.decode()
    client.post(reverse("tokens:host-remove", args=[allowed.pk]))
    assert not AllowedHost.objects.exists()
    actions = list(AuditEvent.objects.filter(action__startswith="tokens:host").values_list("action", flat=True))
    assert sorted(actions) == ["tokens:host:allow", "tokens:host:remove"]


def test_the_page_shows_what_the_environment_lists(admin: User, client_of: ClientOf, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["ollama.lan:11434"]
    assert "ollama.lan:11434" in client_of(admin).get(LIST).content.decode()


def test_it_keeps_what_was_typed_with_an_error(admin: User, confirmed_client_of: ClientOf) -> None:
    page = confirmed_client_of(admin).post(LIST, {"host": "two words", "note": "Why"})
    assert page.status_code == 422
    assert 'value="two words"' in page.content.decode() and 'value="Why"' in page.content.decode()


@pytest.mark.parametrize("path", [LIST, "/tokens/base-url/?base_url=http://10.0.0.1/"])
def test_engineers_neither_see_nor_probe_hosts(path: str, alice: User, client_of: ClientOf) -> None:
    assert client_of(alice).get(path).status_code == 403


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", None),
        ("http://localhost:11434/v1", Hint("localhost:11434 is an allowed host.")),
        ("https://8.8.8.8/v1", Hint("8.8.8.8 is on the public internet and will be called over TLS.")),
    ],
)
def test_it_says_where_calls_would_go(url: str, hint: Hint | None, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["localhost:11434"]
    assert hint_of(url) == hint


@pytest.mark.parametrize(
    ("url", "words", "host"),
    [
        ("http://gpu-1.lan:8000/v1", "Calls without https", "gpu-1.lan:8000"),
        ("https://10.0.0.1/v1", "private network", "10.0.0.1"),
        ("https://localhost:8443/v1", "private network", "localhost:8443"),
        ("https://no-such-host.invalid/v1", "cannot be found", ""),
        ("https://user:pw@gpu-1.lan/", "user name", ""),
    ],
)
def test_it_says_before_a_form_is_sent_what_keeps_calls_from_a_host(
    url: str, words: str, host: str, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = []
    found = hint_of(url)
    assert found and found.is_problem and words in found.text and found.host == host


def test_the_form_asks_for_the_hint(admin: User, client_of: ClientOf, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = []
    client = client_of(admin)
    assert 'hx-get="/tokens/base-url/"' in client.get("/tokens/add/").content.decode()
    url = "/tokens/base-url/?base_url=http://gpu-1.lan:8000/v1"
    assert "?host=gpu-1.lan%3A8000" in client.get(url, headers={"HX-Request": "true"}).content.decode()


def test_allowing_a_host_asks_who_it_is(admin: User, client_of: ClientOf) -> None:
    assert "/account/confirm/" in client_of(admin).post(LIST, {"host": "gpu-1.lan"})["Location"]
    assert not AllowedHost.objects.exists()
