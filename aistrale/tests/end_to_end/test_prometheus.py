"""A real Prometheus scrapes a site that serves: no panel and no alert may ask for what is not there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest
import yaml
from django.conf import settings

from aistrale.embedded import Child
from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.browser import ADMIN, Site, add_administrator, running_site
from aistrale.tests.end_to_end.site_runs import STARTED, ask, chat_socket, ended, until
from aistrale.tests.processes import running_worker
from aistrale.tests.test_monitoring import DASHBOARDS, DEPLOY, alerts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("prometheus"), reason="There is no Prometheus."),
]

SCRAPE_SECONDS = 1


@dataclass(frozen=True)
class Prometheus:
    url: str

    def finds(self, expression: str) -> bool:
        answer = httpx2.get(f"{self.url}/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        return bool(answer["data"]["result"])

    def traces(self, series: str) -> set[str]:
        """Those that the exemplars of a series lead to."""
        span: dict[str, str | float] = {"query": series, "start": time.time() - 3600, "end": time.time() + 60}
        found = httpx2.get(f"{self.url}/api/v1/query_exemplars", params=span).json()["data"]
        return {exemplar["labels"]["trace_id"] for one in found for exemplar in one["exemplars"]}


@dataclass(frozen=True)
class Watched:
    site: Site
    worker_url: str
    prometheus: Prometheus


class Overloaded(BaseHTTPRequestHandler):
    """A provider that has no time for anybody."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def overloaded_provider() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Overloaded) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@contextmanager
def running_prometheus(directory: Path, **targets: int) -> Iterator[Prometheus]:
    """With the configuration of `deploy/`, which finds its targets by the ports given."""
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"}
    configuration["rule_files"] = [str(DEPLOY / "prometheus" / "rules" / "*.yml")]
    del configuration["alerting"]
    for job in configuration["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{targets[job['job_name'].replace('-', '_')]}"]}]
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    command = ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
    child = Child(
        "Prometheus",
        [*command, "--enable-feature=exemplar-storage", f"--web.listen-address=127.0.0.1:{port}"],
        environment=os.environ,
    )
    Thread(target=lambda: [None for _ in child.output], daemon=True).start()
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        child.stop(within=20)
        child.output.close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A site that has served calls, failures, log-ins and a rotation, and what Prometheus has scraped of it."""
    directory = tmp_path_factory.mktemp("watched")
    worker_port = free_port()
    variables = {
        "AISTRALE_METRICS_ADDRESSES": "127.0.0.1",
        "AISTRALE_WORKER_PORT": str(worker_port),
        # Nobody is there.
        "AISTRALE_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "AISTRALE_OTLP_LOGS_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "AISTRALE_TRACE_RATIO": "1",
    }
    with running_site(tmp_path_factory.mktemp("site"), **variables) as site:
        add_administrator(site)
        ports = {"aistrale_web": int(site.url.rpartition(":")[2]), "aistrale_worker": worker_port}
        with running_worker(site.environment), running_prometheus(directory, **ports) as prometheus:
            use(site)
            yield Watched(site, f"http://127.0.0.1:{worker_port}/metrics", prometheus)


def use(site: Site) -> None:
    with overloaded_provider() as base_url:
        key = ["add_token", "--owner", ADMIN, "--provider", "openai", "--label", "Main", "--base-url", base_url]
        site.manage(*key, "--no-check", stdin="sk-0123456789abcdef")
        with chat_socket(site) as socket:
            ask(socket, until_text=STARTED, length=20)
            assert ended(site)[0] == "succeeded"
        with chat_socket(site) as socket:
            ask(socket, until_text=STARTED, provider="openai", model="gpt-4o-mini")
            assert ended(site)[0] == "failed"
    site.manage("rotate_keys")
    site.manage("verify_audit")
    for address in ("/nowhere/", "/metrics"):
        httpx2.get(f"{site.url}{address}", headers={"X-Forwarded-For": "10.0.0.1"})


def panels() -> list[tuple[str, str]]:
    """Title and expression of all that ask Prometheus."""
    dashboards = {path.stem: json.loads(path.read_text()) for path in DASHBOARDS}
    return [
        (f"{name}: {panel['title']}", target["expr"])
        for name, dashboard in dashboards.items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
        if target["datasource"]["uid"] == "prometheus"
    ]


def unfiltered(expression: str) -> str:
    """An alert's expression is true or false instead of something or nothing."""
    return re.sub(r" (==|>|<) ", r" \1 bool ", expression)


def empty(prometheus: Prometheus, expressions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, expression) for name, expression in expressions if not prometheus.finds(expression)]


def test_every_panel_and_alert_finds_something(watched: Watched) -> None:
    expressions = [*panels(), *((rule["alert"], unfiltered(rule["expr"])) for rule in alerts())]
    assert len(expressions) > 70
    try:
        until(lambda: not empty(watched.prometheus, expressions), within=60)
    except TimeoutError:
        assert empty(watched.prometheus, expressions) == []


def test_an_expression_for_what_is_not_there_is_found_out(watched: Watched) -> None:
    assert empty(watched.prometheus, [("up", "up"), ("wrong", "rate(aistrale_invented[5m])")]) == [
        ("wrong", "rate(aistrale_invented[5m])")
    ]


@pytest.mark.parametrize("name", ["duration", "time_to_first_chunk"])
def test_measurements_lead_to_the_traces_of_their_calls(watched: Watched, name: str) -> None:
    traces = until(lambda: watched.prometheus.traces(f"gen_ai_client_inference_{name}_seconds_bucket"))
    assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in traces)


@pytest.mark.parametrize("what", ["spans", "logs"])
def test_what_nobody_takes_is_counted(watched: Watched, what: str) -> None:
    dropped = f'aistrale_{what}_dropped_total{{reason="not_taken"}} > 0'
    until(lambda: watched.prometheus.finds(dropped), within=60)


@pytest.mark.parametrize("process", ["web", "worker"])
def test_promtool_has_nothing_to_say_about_the_metrics(watched: Watched, process: str) -> None:
    url = f"{watched.site.url}/metrics" if process == "web" else watched.worker_url
    page = httpx2.get(url).text
    result = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_only_the_worker_tells_what_the_database_knows(watched: Watched) -> None:
    found = httpx2.get(f"{watched.site.url}/metrics").text
    assert "aistrale_audit_sequence" not in found and "aistrale_calls_total" in found
    assert "aistrale_audit_sequence" in httpx2.get(watched.worker_url).text
    assert settings.SECRET_KEY not in found and ADMIN not in found
