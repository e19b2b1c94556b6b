"""Single sign-on against a real OpenID Connect provider on this machine."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django import Settings

from accounts.models import Role, User
from accounts.tests.sso import NEVER, back_from, point_at, sent_to, sign_on, without_password
from audit.models import AuditEvent

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")
ClientOf = Callable[[User], Client]


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def failure() -> AuditEvent:
    return AuditEvent.objects.get(action="accounts:session:login_failed")


def test_it_offers_single_sign_on_where_it_is_set_up(client: Client, db: None, sso: Settings) -> None:
    assert b"Log in with Our SSO" in client.get("/login/").content
    sso.OIDC_SERVER = ""
    assert b"Our SSO" not in client.get("/login/").content


def test_it_lets_somebody_in_whose_account_has_no_password(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    assert sign_on(client, "alice")["Location"] == "/"
    assert is_in(client)
    actions = list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))
    assert actions == ["accounts:sso:connect", "accounts:session:login"]


def test_it_knows_somebody_again_by_more_than_the_address(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    sign_on(client, "alice")
    User.objects.filter(pk=alice.pk).update(email="renamed@example.org")
    again = Client()
    sign_on(again, "alice")
    assert is_in(again)


def test_it_comes_back_to_the_page_first_asked_for(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    assert sign_on(client, "alice", query="?next=/tokens/")["Location"] == "/tokens/"


@pytest.mark.parametrize("sub", ["liar", "unsure"])
def test_it_gives_no_account_to_an_unverified_address(client: Client, alice: User, sso: Settings, sub: str) -> None:
    without_password(alice)
    answer = sign_on(client, sub)
    assert answer.status_code == 403 and "did not verify" in answer.content.decode()
    assert not is_in(client) and not SocialAccount.objects.exists()
    assert failure().target_id == str(alice.audit_id)


def test_it_takes_no_account_that_has_a_password(client: Client, alice: User, sso: Settings) -> None:
    answer = sign_on(client, "alice")
    assert answer.status_code == 403 and "has a password" in answer.content.decode()
    assert not is_in(client)


def test_it_connects_an_account_that_has_a_password(confirmed_client_of: ClientOf, alice: User, sso: Settings) -> None:
    sign_on(confirmed_client_of(alice), "alice", query="?process=connect")
    later = Client()
    sign_on(later, "alice")
    assert is_in(later)


def test_it_connects_nothing_for_who_has_not_confirmed(client_of: ClientOf, alice: User, sso: Settings) -> None:
    sign_on(client_of(alice), "alice", query="?process=connect")
    assert not SocialAccount.objects.exists()


def test_it_gives_nobody_a_connected_account_for_its_address(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    SocialAccount.objects.create(user=alice, provider="sso", uid="somebody-before")
    answer = sign_on(client, "alice")
    assert answer.status_code == 403 and "as a different user" in answer.content.decode()
    assert not is_in(client) and failure().target_id == str(alice.audit_id)


def test_it_connects_in_place_of_an_earlier_connection(
    confirmed_client_of: ClientOf, alice: User, sso: Settings
) -> None:
    SocialAccount.objects.create(user=alice, provider="sso", uid="somebody-before")
    sign_on(confirmed_client_of(alice), "alice", query="?process=connect")
    assert SocialAccount.objects.get().uid == "alice"


def test_it_knows_people_by_their_id_alone(client: Client, alice: User, bob: User, sso: Settings) -> None:
    SocialAccount.objects.create(user=bob, provider="sso", uid="alice")
    sign_on(client, "alice")
    assert client.get("/").context["user"] == bob
    bob.refresh_from_db()
    assert bob.email == "bob@example.org"


def test_it_connects_nobody_to_an_account_that_is_taken(
    confirmed_client_of: ClientOf, alice: User, bob: User, sso: Settings
) -> None:
    without_password(alice)
    sign_on(Client(), "alice")
    sign_on(confirmed_client_of(bob), "alice", query="?process=connect")
    assert SocialAccount.objects.get().user == alice


def test_it_refuses_who_is_unknown(client: Client, db: None, sso: Settings) -> None:
    answer = sign_on(client, "staff")
    assert answer.status_code == 403 and "no account here" in answer.content.decode()
    assert not User.objects.exists()
    assert "staff" not in failure().body


def test_it_makes_an_account_for_who_is_unknown_if_told_so(client: Client, db: None, sso: Settings) -> None:
    sso.OIDC_CREATE_USERS = True
    sign_on(client, "staff")
    user = User.objects.get()
    assert (user.email, user.name, user.role, user.has_usable_password()) == (
        "staff@example.org",
        "Staff",
        Role.ENGINEER,
        False,
    )
    assert is_in(client)


def test_it_makes_no_account_without_an_address(client: Client, db: None, sso: Settings) -> None:
    sso.OIDC_CREATE_USERS = True
    assert sign_on(client, "silent").status_code == 403
    assert not User.objects.exists()


def test_it_lets_in_only_the_domains_that_are_named(client: Client, db: None, sso: Settings) -> None:
    sso.OIDC_CREATE_USERS, sso.OIDC_DOMAINS = True, ["example.org"]
    assert sign_on(client, "elsewhere").status_code == 403
    sign_on(client, "staff")
    assert is_in(client)


def test_it_takes_roles_from_a_claim(client: Client, admin: User, sso: Settings) -> None:
    sso.OIDC_CREATE_USERS, sso.OIDC_ROLE_CLAIM, sso.OIDC_ADMINISTRATORS = True, "groups", ["admins"]
    sign_on(client, "boss")
    sign_on(Client(), "staff")
    assert User.objects.get(email="boss@example.org").role == Role.ADMINISTRATOR
    assert User.objects.get(email="staff@example.org").role == Role.ENGINEER
    assert AuditEvent.objects.filter(action="accounts:user:role_change").count() == 1


def test_it_takes_a_role_away_with_the_claim(client: Client, admin: User, sso: Settings) -> None:
    sso.OIDC_CREATE_USERS, sso.OIDC_ROLE_CLAIM, sso.OIDC_ADMINISTRATORS = True, "groups", ["admins"]
    sign_on(client, "boss")
    sso.OIDC_ADMINISTRATORS = ["others"]
    sign_on(Client(), "boss")
    assert User.objects.get(email="boss@example.org").role == Role.ENGINEER


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first", [False, True], ids=["again", "for the first time"])
def test_it_takes_no_role_away_from_the_last_administrator(client: Client, sso: Settings, is_first: bool) -> None:
    sso.OIDC_CREATE_USERS, sso.OIDC_ROLE_CLAIM, sso.OIDC_ADMINISTRATORS = True, "groups", ["admins"]
    if is_first:
        without_password(User.objects.create_user("boss@example.org", role=Role.ADMINISTRATOR))
    else:
        sign_on(client, "boss")
    boss, before = User.objects.get(), AuditEvent.objects.count()
    sso.OIDC_ADMINISTRATORS = ["others"]
    again = Client()
    assert sign_on(again, "boss")["Location"] == "/"
    assert "last active administrator" in again.get("/").content.decode()
    kept = User.objects.get()
    assert (kept.role, kept.name, kept.email) == (Role.ADMINISTRATOR, boss.name, boss.email)
    assert again.get("/admin/").status_code == 200, "the role was taken from the session at least"
    entries = AuditEvent.objects.filter(sequence__gt=before).order_by("sequence")
    told = [(entry.action, entry.outcome) for entry in entries]
    connected = [("accounts:sso:connect", "success")] if is_first else []
    refused, log_in = ("accounts:user:role_change", "denied"), ("accounts:session:login", "success")
    assert told == [*connected, refused, log_in]
    entry = entries.get(outcome="denied")
    assert (entry.actor, entry.target_id, entry.source) == (boss.audit_id, str(boss.audit_id), "web")
    assert "last active administrator" in entry.details.personal["reason"]


def test_it_refuses_an_inactive_account(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    sign_on(client, "alice")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    again = Client()
    assert sign_on(again, "alice")["Location"] == "/login/"
    assert not is_in(again) and failure().target_id == str(alice.audit_id)


def test_it_says_so_when_the_provider_is_down(client: Client, db: None, settings: Settings) -> None:
    point_at(NEVER, settings)
    answer = client.post("/login/sso/")
    assert answer.status_code == 401 and "Single sign-on failed" in answer.content.decode()
    assert failure().outcome == "failed"


def test_it_says_so_when_the_provider_goes_down_meanwhile(client: Client, alice: User, sso: Settings) -> None:
    back = back_from(client.post("/login/sso/"), "alice")
    point_at(NEVER, sso)
    answer = client.get(back)
    assert answer.status_code == 401 and not is_in(client)


def test_it_refuses_an_answer_that_nobody_asked_for(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    stranger = Client()
    assert stranger.get(back_from(client.post("/login/sso/"), "alice")).status_code == 401
    assert not is_in(stranger)


def test_it_comes_back_when_somebody_cancels(client: Client, db: None, sso: Settings) -> None:
    start = client.post("/login/sso/")
    (state,) = parse_qs(urlsplit(sent_to(start)).query)["state"]
    answer = client.get("/login/sso/callback/", {"error": "access_denied", "state": state})
    assert answer["Location"] == "/login/"


def test_it_asks_for_the_second_factor_too(
    client: Client, alice: User, sso: Settings, totp_of: Callable[[User], str]
) -> None:
    without_password(alice)
    totp_of(alice)
    assert sign_on(client, "alice")["Location"] == "/login/code/"
    assert not is_in(client)


def test_it_leaves_passwords_to_the_provider(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    sign_on(client, "alice")
    assert "Your account has no password" in client.get("/password/").content.decode()


def test_it_starts_nothing_by_get(client: Client, db: None, sso: Settings) -> None:
    assert client.get("/login/sso/").status_code == 200
    assert client.get("/login/other/").status_code == 404


def test_it_stores_no_token_of_the_provider(client: Client, alice: User, sso: Settings) -> None:
    without_password(alice)
    sign_on(client, "alice")
    assert "access_token" not in str(SocialAccount.objects.get().extra_data)
