"""Files of secrets that are damaged, or that an editor has saved in its own way."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from pytest_django import Settings

from aistrale import health_checks
from aistrale.checks import check_production, master_keys_problem
from aistrale.tests.processes import MANAGE

MATERIAL = b64encode(bytes(range(1, 64, 2)))
KEY = b"m-1:" + MATERIAL
UNREADABLE: dict[str, tuple[bytes | None, str]] = {
    "binary": (b"\x80\xff" + KEY, "is not text in UTF-8"),
    "UTF-16": (KEY.decode().encode("utf-16"), "is not text in UTF-8"),
    "empty": (b"", "is empty"),
    "blank": (b"\xef\xbb\xbf \r\n", "is empty"),
    "a directory": (None, "Is a directory"),
}
UNUSABLE: dict[str, tuple[bytes, str]] = {
    "in quotes": (b'"' + KEY + b'"', "is in quotes"),
    "in a typographer's quotes": ("“".encode() + KEY + "”".encode(), "is in quotes"),
    "with zeros between": (KEY.decode().encode("utf-16-le"), "is not written as"),
    "bare": (MATERIAL, "is not written as"),
    "not base64": (KEY.replace(b"=", "é".encode()), "is not valid base64"),
    "cut short": (KEY[:-8], "has 27 bytes"),
}
USABLE = {"plain": KEY, "byte order mark": b"\xef\xbb\xbf" + KEY, "CRLF": b"# mine\r\n" + KEY + b"\r\n"}


def write(path: Path, content: bytes | None) -> None:
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


def manage(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"AISTRALE_DATA_DIR": str(data_dir), "AISTRALE_MASTER_KEYS": ""}
    command = [sys.executable, str(MANAGE), *arguments]
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True)


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_file_that_holds_no_text_is_named_by_every_command(data_dir: Path, fault: str) -> None:
    content, reason = UNREADABLE[fault]
    write(data_dir / "master_keys", content)
    for command in (["up"], ["check"]):
        result = manage(data_dir, *command)
        assert result.returncode != 0 and str(data_dir / "master_keys") in result.stderr and reason in result.stderr
        assert "Traceback" not in result.stderr and MATERIAL.decode() not in result.stdout + result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_we_may_not_read_is_named(data_dir: Path) -> None:
    write(data_dir / "master_keys", KEY)
    (data_dir / "master_keys").chmod(0)
    result = manage(data_dir, "check")
    assert f"Cannot read {data_dir / 'master_keys'} (Permission denied)" in result.stderr


@pytest.mark.parametrize("command", ["keys", "prepare", "serve"])
def test_keys_that_cannot_be_used_are_named_by_every_command(data_dir: Path, command: str) -> None:
    content, reason = UNUSABLE["in quotes"]
    write(data_dir / "master_keys", content)
    result = manage(data_dir, command)
    assert result.returncode != 0 and str(data_dir / "master_keys") in result.stderr and reason in result.stderr
    assert "Traceback" not in result.stderr and MATERIAL.decode() not in result.stdout + result.stderr


@pytest.mark.parametrize("fault", UNUSABLE)
def test_keys_that_cannot_be_used_fail_the_checks_and_stay_unsaid(settings: Settings, fault: str) -> None:
    content, reason = UNUSABLE[fault]
    settings.MASTER_KEYS = content.decode()
    assert [message.id for message in check_production()] == ["aistrale.E007"]
    assert reason in master_keys_problem() and MATERIAL.decode()[:20] not in master_keys_problem()


def test_a_variable_that_is_not_utf_8_fails_the_checks(settings: Settings) -> None:
    settings.MASTER_KEYS = os.fsdecode(KEY[:-1] + b"\xff")
    assert "is not valid base64" in master_keys_problem()


@pytest.mark.django_db
def test_the_doctor_names_the_keys_that_cannot_be_used(settings: Settings) -> None:
    settings.MASTER_KEYS = "'m-1'"
    [finding] = [finding for finding in health_checks.run() if finding.name == "Master keys"]
    assert not finding.ok and "AISTRALE_MASTER_KEYS (environment)" in finding.detail


@pytest.mark.parametrize("content", USABLE.values(), ids=list(USABLE))
def test_what_an_editor_adds_to_a_file_does_no_harm(data_dir: Path, content: bytes) -> None:
    write(data_dir / "master_keys", content)
    assert manage(data_dir, "check").returncode == 0


def test_an_env_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_bytes(b"SECRET_KEY=\xff\xfe" + KEY)
    result = subprocess.run(
        [sys.executable, MANAGE, "check"],
        env=os.environ | {"AISTRALE_ENV_FILE": str(file)},
        capture_output=True,
        text=True,
    )
    assert f"Cannot read {file}" in result.stderr and "Traceback" not in result.stderr
