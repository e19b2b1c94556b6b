from __future__ import annotations

import stat
from pathlib import Path

from django.utils import timezone
from pytest_django import Settings

from aistrale import health_checks, keyfiles
from aistrale.findings import Finding
from audit import checkpoint
from audit.models import AuditVerification


def finding(name: str) -> Finding:
    return next(finding for finding in health_checks.run() if finding.name == name)


def test_it_creates_an_audit_key_for_its_owner_only(tmp_path: Path) -> None:
    keyfiles.create_audit_key(tmp_path)
    path = keyfiles.audit_key_file(tmp_path)
    assert len(checkpoint.read_keys(path.read_text())) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_tells_the_public_key(db: None, settings: Settings, tmp_path: Path) -> None:
    keyfiles.create_audit_key(tmp_path)
    settings.AUDIT_KEYS = keyfiles.audit_key_file(tmp_path).read_text()
    (key,) = checkpoint.read_keys(settings.AUDIT_KEYS)
    found = finding("Audit key")
    assert found.ok
    assert checkpoint.public_text(key.public_key()) in found.detail
    assert settings.AUDIT_KEYS.strip() not in found.detail


def test_it_finds_a_missing_or_damaged_key(db: None, settings: Settings) -> None:
    settings.AUDIT_KEYS = ""
    assert not finding("Audit key").ok
    settings.AUDIT_KEYS = "short"
    assert finding("Audit key").detail == "AISTRALE_AUDIT_KEY is not right: an audit key is the base64 of 32 bytes."


def test_it_tells_of_a_log_that_is_not_right(db: None) -> None:
    AuditVerification.objects.create(verified_at=timezone.now(), problem_sequence=7, problem="it is missing")
    found = finding("Audit log")
    assert not found.ok
    assert "First invalid entry 7: it is missing" in found.detail
