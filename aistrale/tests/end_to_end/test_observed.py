"""A web server and a worker that are configured to: errors go to Sentry, and lines of the log to a receiver of OTLP."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from aistrale.tests.end_to_end.browser import running_site
from aistrale.tests.end_to_end.receivers import Receiver, receiving
from aistrale.tests.end_to_end.site_runs import until
from aistrale.tests.processes import running_worker

pytestmark = pytest.mark.slow

FAIL = """
from django.db import connection
connection.cursor().execute("ALTER TABLE accounts_invitation RENAME TO elsewhere")
"""
FAILING_JOB = "from tokens.tasks import rotate_keys; rotate_keys.configure(task_kwargs={'nonsense': 1}).defer()"


def events(receiver: Receiver) -> set[str]:
    return {json.loads(line.body.string_value)["event"] for line in receiver.log_lines()}


def test_errors_and_lines_of_the_log_are_sent(tmp_path: Path) -> None:
    with receiving() as logs, receiving() as errors:
        variables = {
            "AISTRALE_OTLP_LOGS_ENDPOINT": logs.url,
            "AISTRALE_SENTRY_DSN": errors.url.replace("http://", "http://publickey@") + "/1",
        }
        with running_site(tmp_path, **variables) as site, running_worker(site.environment):
            site.manage("shell", "-c", FAIL)
            assert httpx2.get(f"{site.url}/invitation/nothing/").status_code == 500
            until(lambda: b"ProgrammingError" in b"".join(errors.bodies), within=30)
            until(lambda: {"request_failed", "request_finished"} & events(logs), within=30)
            site.manage("shell", "-c", FAILING_JOB)
            until(lambda: "job_failed" in events(logs), within=30)
