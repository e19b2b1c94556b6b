"""Three web processes and two workers behind nginx: `make cluster`. What one does, the others know."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event
from uuid import uuid4

import httpx2
import pytest
from websockets.sync.client import ClientConnection

from aistrale.tests.end_to_end.browser import ADMIN, log_in_by_http
from aistrale.tests.end_to_end.cluster import Cluster, Process, Watcher, question, running_cluster
from aistrale.tests.end_to_end.nginx import NGINX
from aistrale.tests.end_to_end.site_runs import STARTED, until
from aistrale.tests.end_to_end.visitors import Visitor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not NGINX, reason="There is no nginx."),
]

OPEN_RUNS = 60
DRAIN_SECONDS = 3
STREAMS = int(os.environ.get("AISTRALE_CLUSTER_STREAMS", "21"))
# With the newest first.
ENDED = """
SELECT status, text, started_at FROM telemetry_generation g JOIN inference_message m ON m.generation_id = g.id
WHERE status <> 'running' ORDER BY started_at DESC
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    variables = {
        "AISTRALE_LIMIT_OPEN_RUNS": str(OPEN_RUNS),
        "AISTRALE_LIMIT_RUNS_PER_MINUTE": "0",
        "AISTRALE_LIMIT_SOCKETS": "200",
        "AISTRALE_RUN_SILENCE_SECONDS": "3",
        "AISTRALE_RUN_DRAIN_SECONDS": str(DRAIN_SECONDS),
    }
    with running_cluster(tmp_path_factory.mktemp("cluster"), **variables) as cluster:
        yield cluster


def received(socket: ClientConnection, *, until_text: str) -> str:
    text = ""
    while until_text not in text:
        text += str(socket.recv(60))
    return text


def test_an_answer_of_one_process_is_reloaded_watched_and_stopped_through_others(cluster: Cluster) -> None:
    first, second, third = cluster.webs
    with cluster.socket(cluster.new_chat(), by=first) as asking:
        asking.send(question(words=3000, text="A long one"))
        received(asking, until_text=STARTED)
        [(conversation, generation)] = cluster.rows(
            "SELECT conversation_id, generation_id FROM inference_message WHERE generation_id IS NOT NULL "
            "ORDER BY created_at DESC LIMIT 1"
        )
        page = cluster.get(f"/chat/{conversation}/", by=second)
        assert page.status_code == 200 and "A long one" in page.text
        path = f"/ws/chat/{conversation}/"
        with cluster.socket(path, by=second) as watching, cluster.socket(path, by=third) as stopping:
            watching.send(json.dumps({"type": "watch"}))
            received(watching, until_text='hx-swap-oob="innerHTML"')
            stopping.send(json.dumps({"type": "stop", "generation": str(generation)}))
            assert 'data-status="stopped"' in received(watching, until_text="data-status=")
    status, text, _ = cluster.rows(ENDED)[0]
    assert status == "stopped" and 0 < len(text.split()) < 3000


def test_a_killed_process_loses_its_own_answers_only_and_not_their_text(cluster: Cluster) -> None:
    killed = cluster.webs[0]
    paths = [cluster.new_chat() for _ in range(STREAMS)]
    began = cluster.rows("SELECT now()")[0][0]
    pages = [
        Watcher(cluster, path, cluster.webs[number % 3], words=80, delay_ms=150) for number, path in enumerate(paths)
    ]
    for page in pages:
        page.start()
    until(lambda: all(page.has_begun for page in pages), within=60)
    time.sleep(3)
    killed.kill()
    own = [page for page in pages if page.web is killed]
    others = [page for page in pages if page.web is not killed]
    for page in others:
        page.join(90)
    assert {page.has_ended for page in others} == {True}
    assert cluster.get("/chat/").status_code == 200
    until_none_runs(cluster)
    found = [(status, text) for status, text, started in cluster.rows(ENDED) if started > began]
    assert Counter(status for status, _ in found) == {"succeeded": len(others), "interrupted": len(own)}
    assert min(len(text.split()) for status, text in found if status == "succeeded") >= 79
    # Three seconds of answers had come, of which at most the last two may be lost.
    assert min(len(text.split()) for status, text in found if status == "interrupted") >= 5
    restart(killed)
    assert cluster.problems() == []


def until_none_runs(cluster: Cluster) -> None:
    count = "SELECT count(*) FROM telemetry_generation WHERE status = 'running'"
    until(lambda: cluster.rows(count) == [(0,)], within=60)


def restart(web: Process) -> None:
    """Of one that may still run."""
    web.stop()
    web.start()
    until(web.is_ready, within=120)


def test_a_session_is_one_of_all_processes(cluster: Cluster) -> None:
    cookies = log_in_by_http(cluster.url, ADMIN)
    assert [cluster.get("/", by=web, cookies=cookies).status_code for web in cluster.webs] == [200] * 3
    page = cluster.get("/", cookies=cookies).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page) or pytest.fail("There is no form.")
    headers = {"Origin": cluster.url}
    httpx2.post(f"{cluster.url}/logout/", data={"csrfmiddlewaretoken": token[1]}, cookies=cookies, headers=headers)
    assert [cluster.get("/", by=web, cookies=cookies).status_code for web in cluster.webs] == [302] * 3


def test_a_limit_is_exact_however_many_processes_are_asked_at_once(cluster: Cluster) -> None:
    asked = OPEN_RUNS + 15
    paths = [cluster.new_chat() for _ in range(asked)]
    ready = Event()

    def ask(number: int) -> str:
        with cluster.socket(paths[number], by=cluster.webs[number % 3]) as socket:
            ready.wait(60)
            socket.send(question(words=60, delay_ms=1000))
            heard = ""
            while STARTED not in heard and "still coming" not in heard:
                heard += str(socket.recv(60))
            return "started" if STARTED in heard else "refused"

    with ThreadPoolExecutor(asked) as threads:
        answers = [threads.submit(ask, number) for number in range(asked)]
        time.sleep(5)
        ready.set()
        assert Counter(answer.result() for answer in answers) == {"started": OPEN_RUNS, "refused": asked - OPEN_RUNS}
    stop_all(cluster)


def stop_all(cluster: Cluster) -> None:
    with ExitStack() as sockets:
        running = "SELECT m.conversation_id, g.id FROM telemetry_generation g JOIN inference_message m ON"
        for conversation, generation in cluster.rows(f"{running} m.generation_id = g.id WHERE status = 'running'"):
            socket = sockets.enter_context(cluster.socket(f"/ws/chat/{conversation}/"))
            socket.send(json.dumps({"type": "stop", "generation": str(generation)}))
        until_none_runs(cluster)


def test_each_job_is_done_once(cluster: Cluster) -> None:
    defer = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('default', %s, %s) RETURNING id"
    task = ("telemetry.tasks.roll_up", '{"timestamp": 0}')
    jobs = [cluster.rows(defer, *task)[0][0] for _ in range(20)]
    states = "SELECT status::text, attempts FROM procrastinate_jobs WHERE id = ANY(%s)"
    until(lambda: {status for status, _ in cluster.rows(states, jobs)} == {"succeeded"}, within=120)
    begun = "SELECT count(*) FROM procrastinate_events WHERE job_id = ANY(%s) AND type = 'started'"
    assert cluster.rows(begun, jobs) == [(20,)]
    periodic = "SELECT task_name, defer_timestamp FROM procrastinate_periodic_defers GROUP BY 1, 2 HAVING count(*) > 1"
    assert cluster.rows(periodic) == []


def test_a_rolling_restart_answers_every_request(cluster: Cluster) -> None:
    visitors = [Visitor(cluster.url, cluster.cookies) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for web in cluster.webs:
        web.stop()
        assert web.child.exit_code == 0
        restart(web)
    for worker in cluster.workers:
        worker.stop()
        worker.start()
    answers = sum((visitor.stop() for visitor in visitors), Counter())
    assert set(answers) == {"200", "302"} and min(answers.values()) > 20, answers


def test_a_process_that_ends_fails_readiness_refuses_new_answers_and_lets_others_end(cluster: Cluster) -> None:
    web = cluster.webs[1]
    short, long, new = (cluster.new_chat() for _ in range(3))
    with cluster.socket(short, by=web) as ending, cluster.socket(long, by=web) as cut:
        cut.send(question(words=2000, text="cut"))
        received(cut, until_text=STARTED)
        ending.send(question(words=60))
        received(ending, until_text=STARTED)
        web.child.ask_to_stop()
        ready = until(lambda: (answer := httpx2.get(f"{web.url}/health/ready")).status_code == 503 and answer, within=2)
        assert "shutting down" in ready.text
        # nginx may still send requests, until it finds out.
        assert cluster.get("/chat/", by=web).status_code == 200
        with cluster.socket(new, by=web) as refused:
            refused.send(json.dumps(json.loads(question(words=1)) | {"client_id": str(uuid4())}))
            assert "restarting" in received(refused, until_text="composer")
        assert 'data-status="succeeded"' in received(ending, until_text='data-status="succeeded')
        assert 'data-status="interrupted"' in received(cut, until_text='data-status="interrupted')
    until(lambda: web.child.exit_code is not None, within=DRAIN_SECONDS + 20)
    assert web.child.exit_code == 0
    interrupted, *_ = (text for status, text, _ in cluster.rows(ENDED) if status == "interrupted")
    assert len(interrupted.split()) > 10
    restart(web)
    assert cluster.problems() == []
