from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from tokens import rotation
from tokens.models import EncryptionKey, ProviderToken, Rotation, Trigger
from tokens.tests.conftest import SECRET

ClientOf = Callable[[User], Client]
LIST, ROTATE = "/tokens/keys/", "/tokens/keys/rotate/"

pytestmark = pytest.mark.django_db(transaction=True)


def detail(run: Rotation) -> str:
    return reverse("tokens:rotation-detail", args=[run.pk])


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_lists_keys(client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    page = text(client_of(admin).get(LIST))
    assert str(EncryptionKey.objects.get().pk) in page and "m-test" in page and SECRET not in page


def test_it_shows_what_is_wrong_with_the_master_keys(
    client_of: ClientOf, admin: User, token: ProviderToken, settings: Settings
) -> None:
    settings.MASTER_KEYS = "m-test:short"
    page = text(client_of(admin).get(LIST))
    assert "m-test" in page and "base64" in page


def test_it_warns_of_a_missing_master_key(
    client_of: ClientOf, admin: User, token: ProviderToken, settings: Settings
) -> None:
    settings.MASTER_KEYS = ""
    page = text(client_of(admin).get(LIST))
    assert "Missing" in page and "cannot be used" in page


def test_it_has_the_worker_rotate_and_reports(
    confirmed_client_of: ClientOf, admin: User, token: ProviderToken, run_jobs: Callable[[], None]
) -> None:
    client = confirmed_client_of(admin)
    response = client.post(ROTATE)
    run = Rotation.objects.get()
    assert response["Location"] == detail(run)
    run_jobs()
    run.refresh_from_db()
    page = text(client.get(detail(run)))
    assert "Finished" in page and str(run.new_key_id) in page and "by Admin" in page
    assert run.resealed == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_asks_who_one_is_before_a_rotation(
    method: str, client_of: ClientOf, admin: User, token: ProviderToken
) -> None:
    response = getattr(client_of(admin), method)(ROTATE)
    assert response["Location"].startswith("/account/confirm/") and not Rotation.objects.exists()


def test_it_asks_who_one_is_before_the_dialog_opens(client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}"}
    response = client_of(admin).get(ROTATE, headers=headers)
    assert (response.status_code, response["HX-Redirect"]) == (204, f"/account/confirm/?next={LIST}")


def test_it_says_so_when_a_rotation_is_running(
    confirmed_client_of: ClientOf, admin: User, token: ProviderToken
) -> None:
    rotation.start(trigger=Trigger.COMMAND, actor=None)
    page = text(confirmed_client_of(admin).post(ROTATE, follow=True))
    assert "not finished yet" in page and Rotation.objects.count() == 1


def test_it_polls_while_a_rotation_is_unfinished(client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    run = rotation.start(trigger=Trigger.COMMAND, actor=None)
    client = client_of(admin)
    assert 'hx-trigger="every 1s"' in text(client.get(detail(run)))
    fragment = text(client.get(detail(run), headers={"HX-Request": "true"}))
    assert fragment.lstrip().startswith('<div class="stack" id="report"')
    rotation.run(trigger=Trigger.COMMAND, actor=None)
    assert "every 1s" not in text(client.get(detail(run)))


def test_it_lists_failures_and_exposed_tokens(client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    leaked = EncryptionKey.objects.get()
    ProviderToken.objects.filter(pk=token.pk).update(secret=bytes(token.secret)[:-1] + b"?")
    run = rotation.run(trigger=Trigger.COMMAND, actor=None, compromised=leaked)
    page = text(client_of(admin).get(detail(run)))
    assert "Some values could not be decrypted" in page and str(token.pk) in page
    assert "Secrets to replace" in page and "sk-c…0pR2" in page


def test_it_knows_no_other_rotation(client_of: ClientOf, admin: User) -> None:
    assert client_of(admin).get(reverse("tokens:rotation-detail", args=[uuid4()])).status_code == 404


@pytest.mark.parametrize("path", [LIST, ROTATE, f"/tokens/keys/rotations/{UUID(int=1)}/"])
def test_it_keeps_engineers_out(path: str, client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).get(path).status_code == 403


def test_it_lets_no_engineer_rotate(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    assert client_of(alice).post(ROTATE).status_code == 403
    assert not Rotation.objects.exists()


@pytest.mark.parametrize("path", [LIST, ROTATE, f"/tokens/keys/rotations/{UUID(int=1)}/"])
def test_it_sends_the_anonymous_to_the_log_in(path: str, client: Client) -> None:
    assert client.get(path)["Location"].startswith("/login/")


@pytest.mark.parametrize(("path", "method"), [(LIST, "post"), (ROTATE, "put")])
def test_it_refuses_other_methods(path: str, method: str, client_of: ClientOf, admin: User) -> None:
    assert getattr(client_of(admin), method)(path).status_code == 405


def test_it_links_the_keys_for_administrators_only(client_of: ClientOf, admin: User, alice: User) -> None:
    assert LIST in text(client_of(admin).get("/tokens/"))
    assert LIST not in text(client_of(alice).get("/tokens/"))
