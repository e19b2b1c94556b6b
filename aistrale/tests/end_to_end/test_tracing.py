"""Traces of a server and a worker, as an OTLP receiver gets them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.browser import Site, add_administrator, running_site
from aistrale.tests.end_to_end.receivers import Receiver, attributes, receiving
from aistrale.tests.end_to_end.site_runs import STARTED, ask, chat_socket, ended, until
from aistrale.tests.processes import running_worker

pytestmark = pytest.mark.slow

CANARY = "a question that nobody else may read"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@dataclass(frozen=True)
class Traced:
    site: Site
    receiver: Receiver

    def span(self, name: str, **wanted: object) -> Span:
        """The first of this name with these attributes, once it has come."""
        found: Span = until(lambda: next(self._matching(name, wanted), None))
        return found

    def _matching(self, name: str, wanted: dict[str, object]) -> Iterator[Span]:
        for span in self.receiver.spans():
            if span.name == name and wanted.items() <= attributes(span).items():
                yield span

    def children(self, parent: Span) -> list[str]:
        return [span.name for span in self.receiver.spans() if span.parent_span_id == parent.span_id]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with receiving() as receiver:
        variables = {"AISTRALE_OTLP_ENDPOINT": receiver.url, "AISTRALE_TRACE_RATIO": "1"}
        with (
            running_site(tmp_path_factory.mktemp("site"), **variables) as site,
            running_worker(site.environment),
        ):
            add_administrator(site)
            with chat_socket(site) as socket:
                ask(socket, until_text=STARTED, text=CANARY, length=10)
                assert ended(site)[0] == "succeeded"
            header = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            httpx2.get(f"{site.url}/health/live", headers=header)
            httpx2.get(f"{site.url}/login/", headers=header)
            yield Traced(site, receiver)


def test_a_request_continues_the_trace_that_it_names(traced: Traced) -> None:
    span = traced.span("GET /login/", **{"http.response.status_code": 200})
    until(lambda: any(span.trace_id.hex() == TRACE for span in traced.receiver.spans()))
    continued = [span for span in traced.receiver.spans() if span.trace_id.hex() == TRACE]
    assert span.name in {found.name for found in continued}
    assert PARENT in {found.parent_span_id.hex() for found in continued}
    assert not any("health" in found.name for found in traced.receiver.spans())


def test_a_page_has_its_statements_below_it(traced: Traced) -> None:
    page = traced.span("GET /chat/")
    assert "SELECT" in until(lambda: traced.children(page))


def test_what_redis_is_asked_is_told_without_keys_and_values(traced: Traced) -> None:
    traced.span("POST /login/")
    asked = until(lambda: [attributes(span) for span in traced.receiver.spans() if "db.statement" in attributes(span)])
    statements = {str(found["db.statement"]) for found in asked if found["db.system"] == "redis"}
    assert statements and {text for text in statements if not re.fullmatch(r"[A-Z ]+(\?| )*", text)} == set()


def test_an_attempt_is_told_by_the_conventions(traced: Traced) -> None:
    attempt = traced.span("chat echo")
    found = attributes(attempt)
    assert attempt.kind == Span.SPAN_KIND_CLIENT
    assert found["gen_ai.provider.name"] == "echo"
    assert found["gen_ai.response.model"] == "echo"
    assert found["gen_ai.usage.output_tokens"] == 10
    assert 0 <= float(str(found["gen_ai.response.time_to_first_chunk"])) < 5
    run = traced.span("run")
    assert attempt.parent_span_id == run.span_id and "aistrale.call.id" in attributes(run)


def test_jobs_are_traces_of_their_own(traced: Traced) -> None:
    traced.site.manage("shell", "-c", "from tokens.tasks import rotate_keys; rotate_keys.defer()")
    job = traced.span("job tokens.tasks.rotate_keys")
    assert job.parent_span_id == b"" and job.kind == Span.SPAN_KIND_CONSUMER


def test_nothing_that_was_said_leaves_the_server(traced: Traced) -> None:
    traced.span("chat echo")
    assert CANARY.encode() not in b"".join(traced.receiver.bodies)


def test_content_is_recorded_where_it_is_wanted(tmp_path_factory: pytest.TempPathFactory) -> None:
    with receiving() as receiver:
        variables = {"AISTRALE_OTLP_ENDPOINT": receiver.url, "AISTRALE_TRACE_RATIO": "1", "AISTRALE_TRACE_CONTENT": "1"}
        with running_site(tmp_path_factory.mktemp("site"), **variables) as site:
            add_administrator(site)
            with chat_socket(site) as socket:
                ask(socket, until_text=STARTED, text=CANARY, length=60)
                ended(site)
            found = attributes(Traced(site, receiver).span("chat echo"))
    assert CANARY in str(found["gen_ai.input.messages"]) and CANARY in str(found["gen_ai.output.messages"])


def test_a_receiver_that_is_away_delays_neither_pages_nor_the_stop(tmp_path_factory: pytest.TempPathFactory) -> None:
    variables = {"AISTRALE_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "AISTRALE_TRACE_RATIO": "1"}
    with running_site(tmp_path_factory.mktemp("site"), **variables) as site:
        assert httpx2.get(f"{site.url}/login/", timeout=5).status_code == 200
        began = time.monotonic()
        site.server.stop(within=20)
        assert time.monotonic() - began < 15
