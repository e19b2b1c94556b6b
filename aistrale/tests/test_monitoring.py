"""Rules and dashboards under `deploy/`, as far as no Prometheus is needed to judge them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

DEPLOY: Path = settings.BASE_DIR / "deploy"
RULES = DEPLOY / "prometheus" / "rules"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="There is no promtool.")


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def sections(document: str) -> set[str]:
    """As links to them are written."""
    headings = re.findall(r"^#+ (.*)$", (settings.BASE_DIR / document).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_alert_leads_to_a_section_that_says_what_to_do() -> None:
    links = {rule["annotations"]["runbook_url"] for rule in alerts()}
    assert {link for link in links if link.partition("#")[2] not in sections("docs/operations.md")} == set()
    assert {link.partition("#")[0] for link in links} == {"docs/operations.md"}


def test_every_alert_is_tested() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "tests" / "rules.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test.get("alert_rule_test", []) if case["exp_alerts"]}
    assert fired == {rule["alert"] for rule in alerts()}


@needs_promtool
@pytest.mark.parametrize(
    "command",
    ["check config prometheus.yml", "check rules rules/alerts.yml rules/recording.yml", "test rules tests/rules.yml"],
)
def test_promtool_accepts(command: str) -> None:
    result = subprocess.run(
        ["promtool", *command.split()], cwd=DEPLOY / "prometheus", capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.skipif(not shutil.which("amtool"), reason="There is no amtool.")
def test_amtool_accepts_the_configuration() -> None:
    command = ["amtool", "check-config", str(DEPLOY / "alertmanager" / "alertmanager.yml")]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_of_a_dashboard_overlap_nowhere_and_use_provisioned_data(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/aistrale.yml").read_text())["datasources"]
    uids = {source["uid"] for source in sources}
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + across, place["y"] + down) for across in range(place["w"]) for down in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells
        assert {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])} <= uids


def test_dashboards_have_names_of_their_own() -> None:
    found = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len(found) == 6
    assert len({dashboard["uid"] for dashboard in found}) == len({dashboard["title"] for dashboard in found}) == 6


def test_one_dashboard_leads_from_a_measurement_to_its_trace_and_log() -> None:
    panels = json.loads((DEPLOY / "grafana/dashboards/calls.json").read_text())["panels"]
    by_source = {panel["datasource"]["uid"]: panel["targets"][0] for panel in panels}
    assert by_source["prometheus"]["exemplar"] is True
    assert by_source["jaeger"]["query"] == "${trace}" and "${trace}" in by_source["loki"]["expr"]
