"""Throw-away servers for the whole run, and the actors of the tests.

The settings are read when Django is set up, after `pytest_configure` has started the servers; so other conftest files
import models inside their fixtures, not at the top.
"""

from __future__ import annotations

import base64
import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import django
import hypothesis
import pytest
import redis
from django.conf import settings

from aistrale.embedded import Servers, database_url, redis_url

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import DjangoDbBlocker

    from accounts.models import Team, User

pytest_plugins = [
    "aistrale.tests.end_to_end.browser",
    "aistrale.tests.end_to_end.chat_page",
    "aistrale.tests.end_to_end.keyboard",
    "aistrale.tests.invariants",
    "aistrale.tests.migrations",
    "aistrale.tests.sockets",
]

# How long a machine takes that does other things meanwhile says nothing about the code.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

PASSWORD = "correct horse battery staple"
# These take a minute each. They begin first, so that nobody waits for them at the end.
LONGEST = {"test_install.py", "test_every_page.py", "test_naughty_forms.py", "test_secret_leaks.py"}
KEPT_VARIABLES = {"AISTRALE_CLUSTER_STREAMS", "AISTRALE_REQUIRE_BROWSER"}


@dataclass
class ThrowawayServers:
    """Lives in the controlling process alone; xdist workers inherit its environment."""

    directory: Path
    servers: Servers


servers_key = pytest.StashKey[ThrowawayServers]()


def pytest_configure(config: pytest.Config) -> None:
    # What is loaded until all tests are known stays. Each worker would take seconds to look through it for garbage.
    gc.disable()
    # The servers of tests would compile everything at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if settings.configured:
        raise pytest.UsageError("Tests bring their own settings: unset DJANGO_SETTINGS_MODULE.")
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    if worker is None:
        config.stash[servers_key] = _start_servers()
    else:
        os.environ["REDIS_URL"] = (
            f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{worker['workerid'].removeprefix('gw')}"
        )
    # Only for the moment: an xdist worker that inherited it would read its settings before it comes here.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_SETTINGS_MODULE", "aistrale.settings")
        django.setup()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    if throwaway := config.stash.get(servers_key, None):
        throwaway.servers.stop()
        shutil.rmtree(throwaway.directory, ignore_errors=True)


def _start_servers() -> ThrowawayServers:
    directory = Path(tempfile.mkdtemp(prefix="aistrale-test-"))
    directory.chmod(0o711)
    servers = Servers(directory, throwaway=True)
    servers.start()
    for name in [name for name in os.environ if name.startswith("AISTRALE_") and name not in KEPT_VARIABLES]:
        del os.environ[name]
    os.environ |= {
        "AISTRALE_ENV_FILE": os.devnull,
        "AISTRALE_DATA_DIR": str(directory),
        "AISTRALE_MASTER_KEYS": f"m-test:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "DATABASE_URL": database_url(directory),
        "REDIS_URL": redis_url(directory),
        "SECRET_KEY": secrets.token_urlsafe(50),
    }
    return ThrowawayServers(directory, servers)


@pytest.fixture(autouse=True, scope="session")
def _test_settings(django_test_environment: None) -> Iterator[None]:
    from django.test import override_settings

    with override_settings(
        API_KEY_RECHECK_SECONDS=0,
        WHITENOISE_USE_FINDERS=True,
        WHITENOISE_AUTOREFRESH=True,
        PASSWORD_HASHERS=["aistrale.tests.hashers.QuickArgon2Hasher"],
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    ):
        yield


# Waits for whoever still writes, as TRUNCATE would. Foreign keys are looked at when the transaction ends, except
# procrastinate's. What migrations make of the models stays.
EMPTY_TABLES = """
DELETE FROM procrastinate_periodic_defers;
DELETE FROM procrastinate_jobs;
DELETE FROM procrastinate_workers;
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^procrastinate'
        AND tablename NOT IN ('auth_permission', 'django_content_type', 'django_migrations') ORDER BY tablename
    LOOP
        EXECUTE 'LOCK TABLE ' || quote_ident(name) || ' IN EXCLUSIVE MODE';
        EXECUTE 'DELETE FROM ' || quote_ident(name);
    END LOOP;
END $$
"""


@pytest.fixture(autouse=True, scope="session")
def _empty_tables_past_triggers(_test_settings: None) -> Iterator[None]:
    """After tests with real transactions. The audit log's triggers refuse it.

    Django's way, TRUNCATE of all tables and all permissions made anew, takes longer than most of these tests.
    """
    import pgtrigger
    from django.db import connection, transaction
    from django.test import TransactionTestCase

    def empty_tables(case: TransactionTestCase) -> None:
        with pgtrigger.ignore(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(EMPTY_TABLES)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """A process looks once whether there are calls with random ids: no test is to count that query."""
    from telemetry.time_ranges import ordered_after

    with django_db_blocker.unblock():
        ordered_after()


@pytest.fixture(scope="session")
def redis_client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_redis(redis_client: redis.Redis) -> Iterator[None]:
    yield
    redis_client.flushdb()


def _user(name: str, role: str = "engineer") -> User:
    from accounts.models import User

    return User.objects.create_user(email=f"{name}@example.org", password=PASSWORD, role=role, name=name.title())


@pytest.fixture
def alice(db: None) -> User:
    """Owner of what a test makes."""
    return _user("alice")


@pytest.fixture
def bob(db: None) -> User:
    """A colleague."""
    return _user("bob")


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger."""
    return _user("charlie")


@pytest.fixture
def admin(db: None) -> User:
    return _user("admin", "administrator")


@pytest.fixture
def team(alice: User, bob: User) -> Team:
    """Alice and bob belong to it, charlie and the administrator do not."""
    from accounts.models import Membership, Team

    team = Team.objects.create(name="Research")
    Membership.objects.bulk_create([Membership(team=team, user=user) for user in (alice, bob)])
    return team


@pytest.fixture
def fake_checker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are tested against ``tokens.tests.checker`` instead of a provider."""
    from tokens import checks
    from tokens.tests.checker import check_key

    monkeypatch.setattr(checks, "ask_provider", check_key)


@pytest.fixture
def run_jobs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`run_jobs()` does the jobs that wait, as a worker does, but no periodic ones. Needs real transactions."""
    import asyncio

    from procrastinate.contrib.django import app

    from aistrale.database.worker_connector import WorkerConnector
    from aistrale.worker import JobWorker

    monkeypatch.setattr(app.periodic_registry, "periodic_tasks", {})

    async def run() -> None:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            worker_middleware=[JobWorker().observe],
        )

    def run_until_empty() -> None:
        with app.replace_connector(WorkerConnector(on_failure=lambda error: None)):
            asyncio.run(run())

    return run_until_empty


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """`client_of(alice)`: a browser in which alice is logged in."""
    from django.test import Client

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def confirmed_client_of(client_of: Callable[[User], Client]) -> Callable[[User], Client]:
    """`confirmed_client_of(alice)`: in that browser she has just confirmed who she is, as dangerous steps ask for."""

    def make(user: User) -> Client:
        client = client_of(user)
        client.post("/account/confirm/", {"password": PASSWORD})
        return client

    return make
