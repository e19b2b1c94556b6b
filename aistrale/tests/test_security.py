"""Requirements about the project itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from security.findings import Accepted, Finding, exceptions, problems

ROOT = Path(__file__).resolve().parents[2]


def test_every_requirement_is_locked_with_its_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
        pinned = [line for line in lines if line and not line.lstrip().startswith("#")]
        assert len(pinned) > 50
        assert [line for line in pinned if not re.match(r"[\w.\[\],-]+==\S+.* --hash=sha256:", line)] == []


@pytest.mark.django_db
def test_pages_load_from_the_site_alone(client: Client) -> None:
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="([^"]+)"', client.get("/login/").content.decode())
    assert len(loaded) > 5 and all(address.startswith("/static/") for address in loaded)
    for sheet in (ROOT / "static").rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text())


def test_every_exception_has_a_reason() -> None:
    assert [one for one in exceptions() if len(one.reason) < 20] == []


def test_a_finding_without_a_reason_and_a_reason_without_a_finding_fail() -> None:
    finding, reason = Finding("bandit", "B1", "a/b.py", "text"), Accepted("bandit", "B1", ("a/*",), "because")
    assert problems([finding], [reason]) == []
    assert len(problems([finding], [])) == len(problems([], [reason])) == 1


def test_the_deployment_check_finds_nothing() -> None:
    settings = {"AISTRALE_PUBLIC_URL": "https://aistrale.test", "AISTRALE_BEHIND_PROXY": "true"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db
def test_a_form_too_large_is_refused(client: Client) -> None:
    client.raise_request_exception = False
    assert client.post("/login/", {"login": "x" * 3_000_000, "password": "x"}).status_code == 413
    assert client.post("/login/", {f"field{number}": "" for number in range(5001)}).status_code == 413
