"""Authenticator apps and recovery codes: set up, asked for, used once, sealed, recorded. Passkeys need a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
import redis
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.urls import reverse
from psycopg import sql
from pytest_django import Settings

from accounts.models import User
from accounts.sessions.users import user_of_session
from audit.models import AuditEvent
from conftest import PASSWORD

ClientOf = Callable[[User], Client]
Text = Callable[[str], str]
KeyOf = Callable[[User], str]
CodeAt = Callable[[str, int], str]
SECURITY = "/account/security/"


def log_in(client: Client, user: User) -> None:
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})


def is_in(client: Client) -> bool:
    return client.get("/", follow=True).templates[0].name == "inference/dashboard.html"


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))


def set_up(client: Client, code_of: Text) -> tuple[str, list[str]]:
    """Through the pages; gives the key and the recovery codes."""
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    key = re.findall(r'<code id="totp-key">([A-Z2-7]+)</code>', page)[0]
    codes = client.post(reverse("mfa_activate_totp"), {"code": code_of(key)}, follow=True).content.decode()
    return key, re.findall(r"\b\d{8}\b", codes)


def test_it_sets_up_an_app_and_shows_recovery_codes(confirmed_client_of: ClientOf, alice: User, code_of: Text) -> None:
    client = confirmed_client_of(alice)
    _, codes = set_up(client, code_of)
    assert len(set(codes)) == 10
    assert actions()[-2:] == ["accounts:mfa:add", "accounts:mfa:add"]


def test_it_draws_the_key_without_what_the_csp_refuses(confirmed_client_of: ClientOf, alice: User) -> None:
    page = confirmed_client_of(alice).get(reverse("mfa_activate_totp")).content.decode()
    assert "<path" in page and "data:image" not in page and " style=" not in page


def test_it_shows_recovery_codes_once(confirmed_client_of: ClientOf, alice: User, code_of: Text) -> None:
    client = confirmed_client_of(alice)
    _, codes = set_up(client, code_of)
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert "already shown" in page and not any(code in page for code in codes)


def test_it_makes_new_recovery_codes(confirmed_client_of: ClientOf, alice: User, code_of: Text) -> None:
    client = confirmed_client_of(alice)
    _, old = set_up(client, code_of)
    page = client.post(reverse("mfa_generate_recovery_codes"), follow=True).content.decode()
    assert re.search(r"\b\d{8}\b", page) and not any(code in page for code in old)


def test_it_refuses_a_wrong_code_at_set_up(confirmed_client_of: ClientOf, alice: User) -> None:
    client = confirmed_client_of(alice)
    client.get(reverse("mfa_activate_totp"))
    assert b"Incorrect code" in client.post(reverse("mfa_activate_totp"), {"code": "000000"}).content
    assert not Authenticator.objects.exists()


def test_it_records_a_wrong_code_at_set_up(confirmed_client_of: ClientOf, alice: User) -> None:
    client = confirmed_client_of(alice)
    client.get(reverse("mfa_activate_totp"))
    client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.outcome, event.target_id) == ("accounts:mfa:add", "failed", str(alice.audit_id))


def test_it_throttles_wrong_codes_at_set_up(confirmed_client_of: ClientOf, alice: User, code_at: CodeAt) -> None:
    client = confirmed_client_of(alice)
    client.get(reverse("mfa_activate_totp"))
    codes = [client.post(reverse("mfa_activate_totp"), {"code": "000000"}).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]


@pytest.mark.parametrize("seconds", [-180, 180])
def test_it_tells_nobody_at_log_in_how_far_a_code_is_off(
    client: Client, alice: User, totp_of: KeyOf, code_at: CodeAt, seconds: int
) -> None:
    key = totp_of(alice)
    log_in(client, alice)
    answers = [
        client.post(reverse("mfa_authenticate"), {"code": code}).content.decode()
        for code in ("000000", code_at(key, seconds))
    ]
    assert all("set its clock by itself" in answer and "right for" not in answer for answer in answers)
    assert "minutes" not in answers[1]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["mfa_deactivate_totp", "mfa_generate_recovery_codes"])
def test_it_asks_who_one_is_before_a_factor_goes(
    client_of: ClientOf, alice: User, totp_of: KeyOf, name: str, method: str
) -> None:
    totp_of(alice)
    client = client_of(alice)
    assert getattr(client, method)(reverse(name)).status_code in (302, 405)
    assert client.get(reverse(name))["Location"] == f"/account/confirm/?next={reverse(name)}"
    assert Authenticator.objects.filter(user=alice, type="totp").exists()


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"])
def test_it_asks_who_one_is_before_factors_change(client_of: ClientOf, alice: User, name: str) -> None:
    response = client_of(alice).get(reverse(name))
    assert response["Location"] == f"/account/confirm/?next={reverse(name)}"


def test_it_asks_for_password_and_code(client_of: ClientOf, alice: User, totp_of: KeyOf, code_of: Text) -> None:
    key, client = totp_of(alice), client_of(alice)
    confirm, change = reverse("account_reauthenticate"), reverse("account_change_password")
    for form in (
        {"password": PASSWORD},
        {"password": PASSWORD, "code": "000000"},
        {"password": "x", "code": code_of(key)},
    ):
        client.post(confirm, form)
        assert client.get(change).status_code == 302
    client.post(confirm, {"password": PASSWORD, "code": code_of(key)})
    assert client.get(change).status_code == 200


def test_a_code_without_the_password_confirms_nothing(
    client_of: ClientOf, alice: User, totp_of: KeyOf, code_of: Text
) -> None:
    key, client = totp_of(alice), client_of(alice)
    response = client.post(reverse("mfa_reauthenticate"), {"code": code_of(key)})
    assert response["Location"] == reverse("account_reauthenticate")
    assert client.get(reverse("account_change_password")).status_code == 302


def test_a_code_that_let_somebody_in_confirms_nothing(
    client: Client, alice: User, totp_of: KeyOf, code_of: Text, redis_client: redis.Redis
) -> None:
    code = code_of(totp_of(alice))
    log_in(client, alice)
    client.post(reverse("mfa_authenticate"), {"code": code})
    redis_client.delete(*redis_client.keys("*totp.used*"))
    refused = client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "code": code})
    assert "This code was already used" in refused.content.decode()


def test_a_confirmation_does_not_last(
    confirmed_client_of: ClientOf, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = confirmed_client_of(alice)
    later = time.time() + settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1
    monkeypatch.setattr("time.time", lambda: later)
    assert client.get(reverse("account_change_password")).status_code == 302


def test_it_asks_for_the_code_after_the_password(client: Client, alice: User, totp_of: KeyOf, code_of: Text) -> None:
    key = totp_of(alice)
    log_in(client, alice)
    assert not is_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code_of(key)})
    assert is_in(client)


def test_it_comes_back_to_the_page_first_asked_for(client: Client, alice: User, totp_of: KeyOf, code_of: Text) -> None:
    key = totp_of(alice)
    client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD, "next": "/tokens/"})
    assert client.post(reverse("mfa_authenticate"), {"code": code_of(key)})["Location"] == "/tokens/"


def test_it_takes_a_code_typed_in_two_groups(client: Client, alice: User, totp_of: KeyOf, code_of: Text) -> None:
    code = code_of(totp_of(alice))
    log_in(client, alice)
    client.post(reverse("mfa_authenticate"), {"code": f"{code[:3]} {code[3:]}"})
    assert is_in(client)


def test_a_code_works_once(alice: User, totp_of: KeyOf, code_of: Text) -> None:
    code = code_of(totp_of(alice))
    clients = [Client(), Client()]
    for client in clients:
        log_in(client, alice)
        client.post(reverse("mfa_authenticate"), {"code": code})
    assert [is_in(client) for client in clients] == [True, False]


def test_a_code_works_once_for_as_long_as_it_is_taken(
    alice: User, totp_of: KeyOf, code_of: Text, redis_client: redis.Redis
) -> None:
    code = code_of(totp_of(alice))
    clients = [Client(), Client()]
    for client in clients:
        log_in(client, alice)
        client.post(reverse("mfa_authenticate"), {"code": code})
        # django-allauth's own note is kept for one step of 30 s, and codes are taken for three.
        redis_client.delete(*redis_client.keys("*totp.used*"))
    assert [is_in(client) for client in clients] == [True, False]


@pytest.mark.parametrize(("seconds", "works"), [(-30, True), (30, True), (-120, False), (120, False)])
def test_it_takes_codes_of_a_clock_that_is_off_by_one_step(
    client: Client,
    alice: User,
    totp_of: KeyOf,
    code_at: CodeAt,
    seconds: int,
    works: bool,
) -> None:
    code = code_at(totp_of(alice), seconds)
    log_in(client, alice)
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert is_in(client) is works


def test_it_records_a_wrong_code_without_it(client: Client, alice: User, totp_of: KeyOf) -> None:
    totp_of(alice)
    log_in(client, alice)
    client.post(reverse("mfa_authenticate"), {"code": "123321"})
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.target_id) == ("accounts:session:login_failed", str(alice.audit_id))
    assert "123321" not in event.body + str(event.details.content)


def test_it_throttles_wrong_codes(client: Client, alice: User, totp_of: KeyOf, code_of: Text) -> None:
    key = totp_of(alice)
    log_in(client, alice)
    for _ in range(10):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    response = client.post(reverse("mfa_authenticate"), {"code": code_of(key)})
    assert response.status_code == 429 and "Wait 5 minutes" in response.content.decode()
    assert not is_in(client)


def test_it_takes_a_recovery_code_once(confirmed_client_of: ClientOf, alice: User, code_of: Text) -> None:
    _, codes = set_up(confirmed_client_of(alice), code_of)
    clients = [Client(), Client()]
    for client in clients:
        log_in(client, alice)
        client.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert [is_in(client) for client in clients] == [True, False]
    assert "accounts:mfa:recover" in actions()


def test_it_removes_the_app_and_with_it_the_recovery_codes(
    confirmed_client_of: ClientOf, alice: User, code_of: Text
) -> None:
    client = confirmed_client_of(alice)
    set_up(client, code_of)
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert actions()[-2:] == ["accounts:mfa:remove", "accounts:mfa:remove"]


def test_it_keeps_no_key_in_clear(confirmed_client_of: ClientOf, alice: User, code_of: Text) -> None:
    key, codes = set_up(confirmed_client_of(alice), code_of)
    stored = ""
    with connection.cursor() as cursor:
        for table in ("mfa_authenticator", "tokens_factorsecret", "audit_auditevent", "audit_auditdetails"):
            cursor.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            stored += str(cursor.fetchall())
    assert '"secret"' in stored
    assert not any(secret in stored for secret in [key, *codes])


@pytest.mark.parametrize(
    ("policy", "engineer", "administrator"),
    [("optional", True, True), ("administrators", True, False), ("all", False, False)],
)
def test_it_asks_those_for_a_second_factor_who_must_have_one(
    client_of: ClientOf, alice: User, admin: User, settings: Settings, policy: str, engineer: bool, administrator: bool
) -> None:
    settings.MFA_POLICY = policy
    assert [is_in(client_of(user)) for user in (alice, admin)] == [engineer, administrator]


@pytest.mark.parametrize("path", ["/", "/chat/", "/tokens/", "/admin/", "/account/sessions/"])
def test_it_leads_to_the_set_up_from_everywhere(
    client_of: ClientOf, admin: User, settings: Settings, path: str
) -> None:
    settings.MFA_POLICY = "administrators"
    client = client_of(admin)
    assert client.get(path)["Location"] == SECURITY
    assert client.get(path, headers={"HX-Request": "true"})["HX-Redirect"] == SECURITY
    assert "Set up two-factor first" in client.get(path, follow=True).content.decode()


def test_it_opens_no_socket_without_the_factor_that_must_be(
    client_of: ClientOf, alice: User, totp_of: KeyOf, settings: Settings
) -> None:
    settings.MFA_POLICY = "all"
    key = client_of(alice).cookies[settings.SESSION_COOKIE_NAME].value
    assert user_of_session(key) is None
    totp_of(alice)
    assert user_of_session(key) == alice


def test_it_lets_in_once_the_factor_is_there(
    confirmed_client_of: ClientOf, alice: User, settings: Settings, code_of: Text
) -> None:
    settings.MFA_POLICY = "all"
    client = confirmed_client_of(alice)
    assert not is_in(client)
    set_up(client, code_of)
    assert is_in(client)


def test_it_lets_log_out_without_the_factor(client_of: ClientOf, alice: User, settings: Settings) -> None:
    settings.MFA_POLICY = "all"
    client = client_of(alice)
    client.post(reverse("account_logout"))
    assert not is_in(client) and "accounts:session:logout" in actions()


def test_it_answers_for_somebody_elses_passkey_as_for_a_missing_one(
    confirmed_client_of: ClientOf, alice: User, charlie: User
) -> None:
    passkey = Authenticator.objects.create(user=alice, type=Authenticator.Type.WEBAUTHN, data={"name": "Laptop"})
    client = confirmed_client_of(charlie)
    for name in ("mfa_remove_webauthn", "mfa_edit_webauthn"):
        assert client.post(reverse(name, args=[passkey.pk]), {"name": "mine"}).status_code == 404
        assert client.post(reverse(name, args=[passkey.pk + 1])).status_code == 404
