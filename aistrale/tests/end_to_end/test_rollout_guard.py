"""A worker takes a version back that fails, while nobody looks."""

from __future__ import annotations

import psycopg
import pytest

from aistrale.tests.end_to_end.browser import Site
from aistrale.tests.end_to_end.site_runs import until
from aistrale.tests.processes import running_worker

pytestmark = pytest.mark.slow
ROLL_OUT = """
from accounts.models import User
from prompts import services
from prompts.drafts import Draft
from prompts.rollout_rules import Guards
from prompts.rollouts import start_rollout

owner = User.objects.create_superuser("owner@example.org", "x")
first = services.create_prompt(owner=owner, name="a", type="text", draft=Draft("Sort"), labels=["production"])
second = services.save_version(prompt=first.prompt, draft=Draft("Sort well"), author=owner)
guards = Guards(20, error_percent=5)
start_rollout(prompt=first.prompt, label="production", to=second, percent=50, guards=guards, actor=owner)
"""
FAIL = """
INSERT INTO telemetry_generation (
  id, prompt_id, prompt_name, prompt_version, prompt_labels, provider, base_url, request_model, response_model,
  response_id, provider_request_id, parameters, status, finish_reason, error_type, error_message, attempts, started_at,
  ended_at, usage_source, token_label
)
SELECT gen_random_uuid(), prompt_id, 'a', to_version, '{}', 'openai', '', 'm', '', '', '', '{}', 'failed', '',
  'provider_error', '', '[]', now(), now(), '', ''
FROM prompts_rollout, generate_series(1, 20)
"""


def state(site: Site) -> str:
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT state FROM prompts_rollout").fetchone()
        assert row
        return str(row[0])


def test_it_is_back_within_a_minute_of_its_faults(fresh_site: Site) -> None:
    fresh_site.manage("shell", "-v", "0", "-c", ROLL_OUT)
    with running_worker(fresh_site.environment):
        with psycopg.connect(fresh_site.environment["DATABASE_URL"]) as connection:
            connection.execute(FAIL)
        until(lambda: state(fresh_site) == "stopped", within=60)
