from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as real_settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from aistrale.metrics import SystemCollector
from audit.models import AuditVerification
from inference.backtests.models import Backtest
from inference.search.models import Change, Embedder
from telemetry.rollups.coverage import hour_of
from telemetry.rollups.models import StaleHour
from tokens import services
from tokens.checks import TokenState
from tokens.models import EncryptionKey, ProviderToken
from tokens.tasks import rotate_keys

TOKEN = "metrics-canary-3b8e1c7d5f"


@pytest.fixture(autouse=True)
def _token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def scraped() -> dict[str, float]:
    """What a worker tells of the database."""
    registry = CollectorRegistry()
    registry.register(SystemCollector())
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        sample.name.removeprefix("aistrale_") + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in families
        if family.name.startswith("aistrale_")
        for sample in family.samples
    }


def test_it_tells_the_age_of_the_primary_key_and_the_policy(alice: User, settings: Settings) -> None:
    settings.KEY_MAX_AGE_DAYS = 30
    services.add_token(owner=alice, actor=alice, provider="openai", label="Main", secret="sk-0123456789abcdef")
    EncryptionKey.objects.update(primary_since=timezone.now() - timedelta(days=31))
    found = scraped()
    assert found["data_key_age_seconds"] > found["data_key_max_age_seconds"] == 30 * 24 * 3600
    assert (found["data_keys primary"], found["data_keys retired"]) == (1, 0)


def test_it_counts_tokens_that_cannot_be_read(alice: User) -> None:
    services.add_token(owner=alice, actor=alice, provider="openai", label="Main", secret="sk-0123456789abcdef")
    assert scraped()["tokens_unreadable"] == 0
    ProviderToken.objects.update(state=TokenState.NEEDS_REENTRY)
    assert scraped()["tokens_unreadable"] == 1


def test_it_tells_how_far_the_audit_log_is_verified(db: None) -> None:
    AuditVerification.objects.create(verified_at=timezone.now(), sequence=41, problem_sequence=42, problem="gone")
    found = scraped()
    assert (found["audit_verified_sequence"], found["audit_problem"], found["audit_checkpoint_sequence"]) == (41, 1, 0)


def page() -> str:
    return Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()


def test_it_counts_requests_by_view(db: None) -> None:
    Client().get("/health/live")
    assert 'http_responses_total_by_status_view_method_total{method="GET",status="200",view="health-live"}' in page()


def test_it_makes_no_series_of_made_up_methods(db: None) -> None:
    Client().generic("INVENTED", "/health/live")
    assert "INVENTED" not in page()


def test_it_says_so_where_the_database_does_not_answer(db: None) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError

    with connection.execute_wrapper(refuse):
        assert scraped() == {"database_up": 0}


def test_it_counts_jobs_and_tells_the_heartbeat_of_workers(db: None) -> None:
    assert scraped()["workers"] == 0 and "worker_heartbeat_age_seconds" not in scraped()
    rotate_keys.defer()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (statement_timestamp() - interval '5 seconds')"
        )
    found = scraped()
    assert (found["jobs todo"], found["jobs failed"], found["workers"]) == (1, 0, 1)
    assert 5 <= found["worker_heartbeat_age_seconds"] < 30


def test_it_tells_how_far_the_rollups_are_behind(db: None) -> None:
    assert (scraped()["rollups_stale"], scraped()["rollup_lag_seconds"]) == (0, 0)
    StaleHour.objects.create(hour=hour_of(timezone.now()) - timedelta(hours=3))
    found = scraped()
    assert found["rollups_stale"] == 1 and 2 * 3600 <= found["rollup_lag_seconds"] < 3 * 3600


def test_it_tells_the_budgets_of_running_backtests(alice: User) -> None:
    for state, budget in (("running", 10), ("running", 5), ("done", 100)):
        Backtest.objects.create(owner=alice, title="x", matching=1, seed=1, budget_usd=budget, state=state)
    found = scraped()
    assert (found["backtests running"], found["backtests done"], found["backtest_budget_usd"]) == (2, 1, 15)
    assert found["backtest_used_usd"] == 0


def test_it_tells_how_far_search_and_its_provider_are_behind(admin: User) -> None:
    found = scraped()
    assert (found["search_waiting"], found["search_lag_seconds"], found["search_embedders_failing"]) == (0, 0, 0)
    hour_ago = timezone.now() - timedelta(hours=1)
    Change.objects.create(source="prompt", key="x", noted_at=hour_ago)
    provider = {"provider": "openai", "model": "x", "dimension": 3, "state": "active", "error": "Rate limit reached"}
    Embedder.objects.create(**provider, behind_since=hour_ago)
    found = scraped()
    assert found["search_waiting"] == found["search_embedders_failing"] == 1
    assert found["search_lag_seconds"] >= 3600 and found["search_embedding_lag_seconds active"] >= 3600
    assert found["search_embedding_lag_seconds building"] == 0


def test_it_speaks_openmetrics_to_whoever_accepts_it(db: None) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/openmetrics-text;version=1.0.0"}
    answer = Client().get("/metrics", headers=headers)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n") and b"_created" not in answer.content


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer ä"])
def test_it_tells_nothing_without_the_token(header: str, db: None) -> None:
    response = Client().get("/metrics", headers={"Authorization": header})
    assert (response.status_code, response.content) == (401, b"unauthorized")


def test_it_tells_nothing_to_an_administrator_without_the_token(client: Client, admin: User) -> None:
    client.force_login(admin)
    assert client.get("/metrics").status_code == 401


def test_it_does_not_exist_without_a_setting(db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    response = Client().get("/metrics", headers={"Authorization": "Bearer "})
    assert response.status_code == 404


@pytest.mark.parametrize(("address", "status"), [("10.1.2.3", 200), ("10.2.0.1", 401), ("", 401), ("::1", 401)])
def test_it_tells_listed_addresses_without_a_token(address: str, status: int, settings: Settings) -> None:
    settings.METRICS_TOKEN, settings.METRICS_ADDRESSES = "", ["10.1.0.0/16"]
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == status


def test_it_is_asked_by_any_name_and_without_tls(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.PUBLIC_URL = True, "https://testserver"
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "172.30.78.5:8000"}
    assert Client().get("/metrics", headers=headers).status_code == 200


def test_web_processes_do_not_ask_the_database(django_assert_num_queries: DjangoAssertNumQueries, db: None) -> None:
    with django_assert_num_queries(0):
        assert "aistrale_database_up" not in page()


def test_it_shows_no_secret(alice: User) -> None:
    services.add_token(owner=alice, actor=alice, provider="openai", label="Main", secret="sk-canary-0123456789")
    text = page()
    assert not any(secret in text for secret in (TOKEN, "sk-canary-0123456789", real_settings.MASTER_KEYS, alice.email))
