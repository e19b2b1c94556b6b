"""``/metrics`` for Prometheus.

Every process tells what it does itself: requests (by django-prometheus), calls (``inference.runs.metrics``) and its
database connections. Workers also tell what the database knows: keys, audit log, jobs.

Open to whoever sends ``AISTRALE_METRICS_TOKEN`` as a bearer token or connects from ``AISTRALE_METRICS_ADDRESSES``;
without either setting there is no such page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from hmac import compare_digest
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.middleware import PrometheusAfterMiddleware
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Metric, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from accounts.admission import OUTAGES
from aistrale import job_queue
from aistrale.database.base import DatabaseWrapper
from aistrale.forwarded import is_in
from audit import checkpoint
from audit.models import AuditEvent, AuditVerification
from inference.backtests.models import Backtest, State
from inference.search import indexing
from inference.search.choosing import embedding_lags
from inference.search.models import Change
from telemetry.rollups.coverage import HOUR, hour_of
from telemetry.rollups.keeping import stale_hours
from tokens.checks import TokenState
from tokens.models import EncryptionKey, KeyState, ProviderToken, Rotation


@never_cache
@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not is_enabled():
        raise Http404
    if not may_read(request.headers.get("Authorization", ""), request.META.get("REMOTE_ADDR", "")):
        return HttpResponse("unauthorized", status=401, headers={"WWW-Authenticate": "Bearer"})
    content, content_type = scrape(request.headers.get("Accept", ""))
    return HttpResponse(content, content_type=content_type)


def is_enabled() -> bool:
    return bool(settings.METRICS_TOKEN or settings.METRICS_ADDRESSES)


def may_read(authorization: str, address: str) -> bool:
    """``address`` is the client's, after what trusted proxies say of it."""
    if is_in(address, map(ip_network, settings.METRICS_ADDRESSES)):
        return True
    expected = f"Bearer {settings.METRICS_TOKEN}"
    return bool(settings.METRICS_TOKEN) and compare_digest(authorization.encode(), expected.encode())


def scrape(accept: str) -> tuple[bytes, str]:
    """The metrics and their content type: OpenMetrics, which alone has exemplars, for those who accept it."""
    if "application/openmetrics-text" in accept:
        return openmetrics.generate_latest(REGISTRY), openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


class RequestMetrics(PrometheusAfterMiddleware):
    """Keeps made-up methods from becoming series of their own, with which anybody could fill the memory."""

    def label_metric(self, metric: Any, request: HttpRequest, response: Any = None, **labels: str) -> Any:
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)


def register() -> None:
    """Add what this process knows of itself to every scrape, and leave out when each series began."""
    disable_created_metrics()
    REGISTRY.register(PoolCollector())


@cache
def register_system() -> None:
    """Add what the database knows to every scrape of this process. Only workers do: one answer is enough."""
    REGISTRY.register(SystemCollector())


class SystemCollector(Collector):
    """Asks the database at each scrape."""

    def collect(self) -> Iterable[Metric]:
        try:
            found = [*_keys(), *_tokens(), *_audit(), *_jobs(), *_rollups(), *_budgets(), *_search()]
        except OUTAGES:
            found = []
        return [
            _gauge("database_up", "1 while the database answers; 0: all below is missing", int(bool(found))),
            *found,
        ]

    def describe(self) -> Iterable[Metric]:
        """Nothing: otherwise the registry would collect, and so ask the database, when the process starts."""
        return []


def _keys() -> Iterator[Metric]:
    states = GaugeMetricFamily("aistrale_data_keys", "Data keys by state", labels=["state"])
    counts = dict(EncryptionKey.objects.values_list("state").annotate(Count("pk")).order_by())
    for state in KeyState:
        states.add_metric([state.value], counts.get(state.value, 0))
    yield states
    primary = EncryptionKey.objects.filter(state=KeyState.PRIMARY).exclude(primary_since=None).first()
    if primary and primary.primary_since:
        age = (timezone.now() - primary.primary_since).total_seconds()
        yield _gauge("data_key_age_seconds", "Since when the primary data key is primary", age)
    policy = settings.KEY_MAX_AGE_DAYS * 24 * 3600
    yield _gauge("data_key_max_age_seconds", "The age from which the primary key is too old; 0: never", policy)
    unfinished = Rotation.objects.filter(finished_at=None).count()
    yield _gauge("key_rotations_unfinished", "Rotations of keys that are going on or were interrupted", unfinished)


def _tokens() -> Iterator[Metric]:
    unreadable = ProviderToken.objects.filter(state=TokenState.NEEDS_REENTRY).count()
    yield _gauge("tokens_unreadable", "Provider tokens that need to be entered again", unreadable)


def _audit() -> Iterator[Metric]:
    newest = AuditEvent.objects.aggregate(newest=Max("sequence"))["newest"] or 0
    yield _gauge("audit_sequence", "Number of the newest audit entry", newest)
    last = checkpoint.files(settings.CHECKPOINT_DIR)[-1:]
    signed = checkpoint.sequence_of(last[0]) if last else 0
    yield _gauge("audit_checkpoint_sequence", "Number of the newest entry that a checkpoint covers", signed)
    state = AuditVerification.objects.first()
    if state:
        yield _gauge("audit_verified_sequence", "The audit log is right up to this entry", state.sequence)
        yield _gauge("audit_verified_timestamp_seconds", "When that was found", state.verified_at.timestamp())
        yield _gauge("audit_problem", "1 where the audit log is not as it was written", int(bool(state.problem)))


def _jobs() -> Iterator[Metric]:
    jobs = GaugeMetricFamily("aistrale_jobs", "Background jobs by status", labels=["status"])
    for status, count in job_queue.counts().items():
        jobs.add_metric([status], count)
    yield jobs
    yield _gauge("workers", "Workers that are alive", job_queue.living_workers())
    yield _gauge("oldest_job_age_seconds", "How long the job waits that is due for longest", job_queue.longest_wait())
    if heartbeat := job_queue.last_heartbeat():
        age = (timezone.now() - heartbeat).total_seconds()
        yield _gauge("worker_heartbeat_age_seconds", "Since when no worker has given a sign of life", age)


def _rollups() -> Iterator[Metric]:
    # That of the current hour is read from the calls themselves.
    now = timezone.now()
    stale = stale_hours(before=hour_of(now))
    yield _gauge("rollups_stale", "Hours whose calls the rollups have not counted yet", len(stale))
    lag = (now - min(stale) - HOUR).total_seconds() if stale else 0
    yield _gauge("rollup_lag_seconds", "How long ago the first of these hours ended", lag)


def _budgets() -> Iterator[Metric]:
    backtests = GaugeMetricFamily("aistrale_backtests", "Backtests by state", labels=["state"])
    counts = dict(Backtest.objects.values_list("state").annotate(Count("pk")).order_by())
    for state in State:
        backtests.add_metric([state.value], counts.get(state.value, 0))
    yield backtests
    running = list(Backtest.objects.filter(state=State.RUNNING))
    budget, used = sum(one.budget_usd for one in running), sum(one.used_usd for one in running)
    yield _gauge("backtest_budget_usd", "What running backtests may cost", float(budget))
    yield _gauge("backtest_used_usd", "What they have cost, or may cost with the calls they make", float(used))


def _search() -> Iterator[Metric]:
    yield _gauge("search_waiting", "Changes that are not in the search index yet", Change.objects.count())
    lag = indexing.lag(timezone.now()).total_seconds()
    yield _gauge("search_lag_seconds", "For how long the oldest of them has been waiting", lag)
    behind = GaugeMetricFamily(
        "aistrale_search_embedding_lag_seconds",
        "For how long texts have been waiting for vectors of the provider",
        labels=["state"],
    )
    lags, failing = embedding_lags(timezone.now())
    for state, seconds in lags.items():
        behind.add_metric([state], seconds)
    yield behind
    yield _gauge("search_embedders_failing", "Embedding providers that fail", failing)


class PoolCollector(Collector):
    """The database connections of this process, and who waits for one."""

    def collect(self) -> Iterable[Metric]:
        stats = connection.pool.get_stats() if isinstance(connection, DatabaseWrapper) and connection.pool else {}
        yield _gauge("database_pool_connections", "Open database connections", stats.get("pool_size", 0))
        yield _gauge("database_pool_most_connections", "Most that may be open", stats.get("pool_max", 0))
        yield _gauge("database_pool_waiting", "Who waits for one at this moment", stats.get("requests_waiting", 0))
        yield _counter("database_pool_waits", "How often one was waited for", stats.get("requests_queued", 0))
        waited = stats.get("requests_wait_ms", 0) / 1000
        yield _counter("database_pool_wait_seconds", "How long all have waited", waited)
        yield _counter("database_pool_timeouts", "How often none came in time", stats.get("requests_errors", 0))


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"aistrale_{name}", documentation, value=value)


def _counter(name: str, documentation: str, value: float) -> Metric:
    return CounterMetricFamily(f"aistrale_{name}", documentation, value=value)
