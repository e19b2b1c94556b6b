from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User, UserSession
from accounts.sessions import services as session_services
from accounts.sessions.store import key_digest, stored_key
from accounts.sessions.users import user_of_session
from accounts.tasks import delete_old_sessions
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """`later(60)` moves the clock of sessions a minute on."""
    now = time.time()
    with monkeypatch.context() as patch:

        def move(seconds: float) -> None:
            patch.setattr("time.time", lambda: now + seconds)

        yield move


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def is_in(client: Client) -> bool:
    return client.get(reverse("dashboard")).status_code == 200


def page(client: Client) -> str:
    return client.get(reverse("accounts:session-list")).content.decode()


def test_it_lists_device_and_address(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    elsewhere = Client(REMOTE_ADDR="192.0.2.7", headers={"User-Agent": FIREFOX})
    elsewhere.post("/login/", {"login": alice.email, "password": "correct horse battery staple"})
    assert "Firefox on Linux" in page(client)
    assert "192.0.2.7" in page(client)


def test_it_lists_nobody_elses(client_of: ClientOf, alice: User, bob: User) -> None:
    client_of(bob)
    assert page(client_of(alice)).count("rows-item") == 1


def test_it_ends_one_session_on_the_server(client_of: ClientOf, alice: User) -> None:
    here, there = client_of(alice), client_of(alice)
    other = UserSession.objects.get(digest=key_digest(key_of(there)))
    here.post(reverse("accounts:session-end", args=[other.pk]))
    assert (is_in(here), is_in(there)) == (True, False)


def test_it_records_the_end_of_a_session(client_of: ClientOf, alice: User) -> None:
    here = client_of(alice)
    client_of(alice)
    here.post(reverse("accounts:session-end-others"))
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.actor, event.after) == ("accounts:session:end", alice.audit_id, {"sessions": 1})


def test_it_ends_no_session_of_somebody_else(client_of: ClientOf, alice: User, charlie: User) -> None:
    client = client_of(alice)
    session = UserSession.objects.get(user=alice)
    response = client_of(charlie).post(reverse("accounts:session-end", args=[session.pk]))
    assert response.status_code == 404
    assert is_in(client)


def test_it_logs_out_all_others(client_of: ClientOf, alice: User) -> None:
    others = [client_of(alice), client_of(alice)]
    here = client_of(alice)
    here.post(reverse("accounts:session-end-others"))
    assert [is_in(client) for client in [here, *others]] == [True, False, False]
    assert UserSession.objects.count() == 1


def test_it_forgets_a_session_that_has_ended_by_itself(
    client_of: ClientOf, alice: User, redis_client: redis.Redis
) -> None:
    client_of(alice)
    redis_client.flushdb()
    assert page(client_of(alice)).count("rows-item") == 1


def test_it_forgets_sessions_too_old_to_be_alive_at_the_next_log_in(
    client_of: ClientOf, alice: User, bob: User
) -> None:
    client_of(bob)
    client_of(alice)
    UserSession.objects.update(started_at=timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 60))
    client_of(alice)
    assert [session.user for session in UserSession.objects.order_by("started_at")] == [bob, alice]


def test_it_lists_those_seen_last_of_very_many(client_of: ClientOf, alice: User) -> None:
    here = client_of(alice)
    stored = caches[settings.SESSION_CACHE_ALIAS].get(stored_key(key_digest(key_of(here))))
    digests = [f"{number:064x}" for number in range(session_services.MOST_SHOWN + 5)]
    caches[settings.SESSION_CACHE_ALIAS].set_many({stored_key(digest): stored for digest in digests})
    earlier = timezone.now() - timedelta(hours=1)
    UserSession.objects.bulk_create(UserSession(user=alice, digest=each, last_seen_at=earlier) for each in digests)
    listed = page(here)
    assert listed.count("rows-item") == session_services.MOST_SHOWN
    assert "This device" in listed
    assert "Shows the 100 most recent sessions" in listed
    here.post(reverse("accounts:session-end-others"))
    assert UserSession.objects.count() == 1


def test_it_follows_a_session_through_a_new_password(confirmed_client_of: ClientOf, alice: User) -> None:
    client = confirmed_client_of(alice)
    new = {
        "password1": "a longer phrase",
        "password2": "a longer phrase",
    }
    client.post(reverse("account_change_password"), new)
    assert UserSession.objects.get().digest == key_digest(key_of(client))


def test_it_keeps_no_key_that_opens_a_session(client_of: ClientOf, alice: User, redis_client: redis.Redis) -> None:
    key = key_of(client_of(alice))
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM accounts_usersession s")
        stored = str(cursor.fetchall())
    stored += str([(name, redis_client.get(name)) for name in redis_client.scan_iter()])
    assert key_digest(key) in stored
    assert key not in stored


def test_a_session_ends_when_its_user_was_away_for_long(
    client_of: ClientOf, alice: User, later: Callable[[float], None]
) -> None:
    client = client_of(alice)
    later(settings.SESSION_IDLE_SECONDS + 1)
    assert not is_in(client)


def test_a_session_goes_on_while_its_user_is_active(
    client_of: ClientOf, alice: User, later: Callable[[float], None]
) -> None:
    client = client_of(alice)
    for part in range(1, 4):
        later(part * settings.SESSION_IDLE_SECONDS * 0.9)
        assert is_in(client)


def test_a_session_ends_at_its_greatest_age(
    client_of: ClientOf, alice: User, later: Callable[[float], None], settings: Settings
) -> None:
    settings.SESSION_IDLE_SECONDS = settings.SESSION_COOKIE_AGE
    client = client_of(alice)
    for part in (0.4, 0.8):
        later(part * settings.SESSION_COOKIE_AGE)
        assert is_in(client)
    later(settings.SESSION_COOKIE_AGE + 1)
    assert not is_in(client)


def test_polling_does_not_keep_a_session_alive(
    client_of: ClientOf, alice: User, later: Callable[[float], None]
) -> None:
    client = client_of(alice)
    for part in (0.4, 0.8):
        later(part * settings.SESSION_IDLE_SECONDS)
        client.get(reverse("dashboard"), headers={"X-Poll": "1"})
    later(settings.SESSION_IDLE_SECONDS + 1)
    assert not is_in(client)


def test_an_idle_session_is_over_for_sockets_too(
    client_of: ClientOf, alice: User, later: Callable[[float], None]
) -> None:
    key = key_of(client_of(alice))
    assert user_of_session(key) == alice
    later(settings.SESSION_IDLE_SECONDS + 1)
    assert user_of_session(key) is None


def test_a_message_by_socket_keeps_a_session_alive(
    client_of: ClientOf, alice: User, later: Callable[[float], None]
) -> None:
    key = key_of(client_of(alice))
    later(settings.SESSION_IDLE_SECONDS * 0.9)
    session_services.note_activity(session_key=key)
    later(settings.SESSION_IDLE_SECONDS * 1.5)
    assert user_of_session(key) == alice


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("", "Unknown device"),
    ],
    ids=["firefox", "edge", "safari", "nothing"],
)
def test_it_names_devices(agent: str, name: str) -> None:
    assert UserSession(user_agent=agent).device == name


@pytest.mark.parametrize(("days", "stays"), [(13, True), (15, False)])
def test_it_forgets_address_and_device_of_a_session_too_old_to_be_alive(
    days: int, stays: bool, client_of: ClientOf, alice: User
) -> None:
    client_of(alice)
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(days=days))
    delete_old_sessions(0)
    assert UserSession.objects.exists() == stays
