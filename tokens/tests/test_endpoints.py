"""Servers of one's own and of vendors, by their base URL: presets, keys or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tokens import services
from tokens.base_urls import BaseUrlRefused
from tokens.models import ProviderToken
from tokens.secrets import SecretRefused
from tokens.tests.conftest import SECRET

ClientOf = Callable[[User], Client]
Make = Callable[..., ProviderToken]
HOSTED = "https://openrouter.ai/api/v1"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_checker")]


@pytest.fixture(autouse=True)
def _local_servers(settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["localhost"]


def add(client: Client, **fields: str) -> Any:
    return client.post("/tokens/add/", {"label": "Mine", **fields})


def test_a_preset_names_the_server_and_needs_no_key(admin: User, client_of: ClientOf) -> None:
    assert add(client_of(admin), provider="compatible:ollama").status_code == 302
    token = ProviderToken.objects.get()
    assert (token.provider, token.base_url, token.has_secret) == ("compatible", "http://localhost:11434/v1", False)
    assert services.open_token(token_id=token.pk, actor=admin) == ""


def test_a_base_url_of_ones_own_goes_before_that_of_the_preset(admin: User, client_of: ClientOf) -> None:
    add(client_of(admin), provider="compatible:vllm", base_url="http://localhost:9000/v1", secret=SECRET)
    token = ProviderToken.objects.get()
    assert (token.base_url, token.has_secret) == ("http://localhost:9000/v1", True)


@pytest.mark.parametrize("provider", ["compatible:openrouter", "openai"])
def test_vendors_need_a_key(provider: str, admin: User, client_of: ClientOf) -> None:
    page = add(client_of(admin), provider=provider)
    assert page.status_code == 422 and "Enter the key." in page.content.decode()


def test_another_server_needs_a_base_url(admin: User, client_of: ClientOf) -> None:
    page = add(client_of(admin), provider="compatible")
    assert page.status_code == 422 and "Enter the base URL" in page.content.decode()


def test_engineers_choose_vendors_but_no_servers(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert add(client, provider="compatible:openrouter", secret=SECRET).status_code == 302
    assert ProviderToken.objects.get().base_url == HOSTED
    for provider in ("compatible:ollama", "compatible"):
        assert add(client, provider=provider, base_url="http://localhost:11434/v1").status_code == 422
    assert "Ollama" not in client.get("/tokens/add/").content.decode()


def test_only_administrators_name_another_address(alice: User) -> None:
    with pytest.raises(PermissionDenied):
        services.add_token(
            owner=alice, actor=alice, provider="compatible", label="x", secret="", base_url="https://other.example/v1"
        )
    with pytest.raises(PermissionDenied):
        services.add_token(owner=alice, actor=alice, provider="openai", label="x", secret=SECRET, base_url=HOSTED)


def test_the_services_refuse_what_is_no_endpoint(admin: User) -> None:
    with pytest.raises(BaseUrlRefused):
        services.add_token(owner=admin, actor=admin, provider="compatible", label="x", secret="")
    with pytest.raises(SecretRefused):
        services.add_token(owner=admin, actor=admin, provider="openai", label="x", secret="")


def test_a_server_without_a_key_moves_without_one(admin: User, token_of: Make, client_of: ClientOf) -> None:
    token = token_of(admin, provider="compatible", secret="", base_url="http://localhost:11434/v1")
    moved = {"label": "Mine", "base_url": "http://localhost:8000/v1", "audience": "private"}
    assert client_of(admin).post(f"/tokens/{token.pk}/edit/", moved).status_code == 302
    token.refresh_from_db()
    assert token.base_url == "http://localhost:8000/v1"


def test_an_error_elsewhere_leaves_the_typed_key_in_its_field(admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    sent = {"provider": "openai", "label": "", "secret": SECRET}
    page = client.post("/tokens/add/", sent, headers={"HX-Request": "true"})
    assert page.status_code == 422
    form = page.content.decode()
    assert "<html" not in form and SECRET not in form
    assert 'id="id_secret"' in form and 'hx-preserve="true"' in form


def test_a_saved_key_leads_back_to_the_list(admin: User, client_of: ClientOf) -> None:
    sent = {"provider": "openai", "label": "Mine", "secret": SECRET}
    response = client_of(admin).post("/tokens/add/", sent, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == "/tokens/"
