from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import Role, User
from audit.models import AuditEvent

FORM = {
    "name": "Ada",
    "email": "Ada@Example.org",
    "password": "an engine that weaves",
    "repeated": "an engine that weaves",
}


def setup_path() -> str:
    link = services.setup_link()
    assert link
    return urlsplit(link).path


@pytest.mark.django_db
def test_it_makes_the_first_administrator_and_logs_them_in(client: Client) -> None:
    assert client.post(setup_path(), FORM).headers["Location"] == reverse("dashboard")
    user = User.objects.get()
    assert (user.email, user.name, user.role) == ("ada@example.org", "Ada", Role.ADMINISTRATOR)
    assert user.check_password(FORM["password"])
    assert b"Account created" in client.get(reverse("dashboard")).content


@pytest.mark.django_db
@pytest.mark.parametrize(("sent", "kept"), [("Asia/Tokyo", "Asia/Tokyo"), ("Mars/Olympus", "UTC"), ("", "UTC")])
def test_it_takes_the_time_zone_of_the_browser(client: Client, sent: str, kept: str) -> None:
    client.post(setup_path(), FORM | {"time_zone": sent})
    assert User.objects.get().time_zone == kept


@pytest.mark.django_db
def test_it_records_the_setup_and_the_login(client: Client) -> None:
    client.post(setup_path(), FORM)
    recorded = AuditEvent.objects.order_by("sequence").values_list("action", flat=True)
    assert list(recorded) == ["accounts:user:setup", "accounts:session:login"]


@pytest.mark.django_db
def test_it_gives_no_link_once_there_is_an_administrator(admin: User) -> None:
    assert services.setup_link() is None


@pytest.mark.django_db
def test_it_gives_a_link_while_there_are_only_engineers(alice: User) -> None:
    assert services.setup_link() is not None


@pytest.mark.django_db
def test_it_works_once(client: Client) -> None:
    path = setup_path()
    client.post(path, FORM)
    response = Client().post(path, {**FORM, "email": "eve@example.org"})
    assert response.status_code == 410
    assert b"already set up" in response.content
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_it_refuses_a_link_after_an_hour(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = setup_path()
    later = time.time() + services.SETUP_LINK_SECONDS + 1
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    response = client.get(path)
    assert response.status_code == 410
    assert b"not valid" in response.content


@pytest.mark.django_db
def test_it_refuses_a_forged_link(client: Client) -> None:
    assert client.get(reverse("accounts:setup", args=["first"])).status_code == 410


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "answer"),
    [
        ("password", "short", "at least 12 characters"),
        ("password", "password1234", "too common"),
        ("repeated", "something else", "passwords do not match"),
        ("email", "no address", "valid email address"),
    ],
)
def test_it_says_what_is_wrong_and_keeps_the_rest(client: Client, field: str, value: str, answer: str) -> None:
    response = client.post(setup_path(), {**FORM, field: value})
    assert response.status_code == 422
    assert answer in response.content.decode()
    assert 'value="Ada"' in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_it_never_puts_the_password_into_the_page(client: Client) -> None:
    response = client.post(setup_path(), {**FORM, "repeated": "something else"})
    assert FORM["password"].encode() not in response.content


@pytest.mark.django_db(transaction=True)
def test_it_makes_one_administrator_when_two_try_at_once() -> None:
    start = threading.Barrier(2)
    made: list[str] = []

    def attempt(email: str) -> None:
        start.wait()
        try:
            services.create_first_administrator(name="", email=email, password="an engine that weaves")
            made.append(email)
        except services.SetupClosed:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[f"{name}@example.org"]) for name in ("ada", "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [user.email for user in User.objects.all()] == made
    assert len(made) == 1
