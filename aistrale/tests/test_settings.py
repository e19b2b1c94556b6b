from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

PRINT_SETTINGS = "from aistrale import settings as s; print(s.HTTPS, s.SESSION_COOKIE_NAME, s.SECURE_HSTS_SECONDS)"


def names_read() -> set[str]:
    """Of environment variables, as the source of the settings has them."""
    source = (settings.BASE_DIR / "aistrale" / "settings.py").read_text()
    plain = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    secret = set(re.findall(r'read_secret\(env, "([A-Z_]+)"', source))
    # This one tells where the file is, so it cannot stand in it.
    return (plain | secret | {f"{name}_FILE" for name in secret}) - {"AISTRALE_ENV_FILE"}


def names_documented() -> set[str]:
    return set(re.findall(r"^#?\s?([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), re.MULTILINE))


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=os.environ | environment, cwd=settings.BASE_DIR, capture_output=True, text=True)


def test_every_setting_is_documented() -> None:
    assert names_read() == names_documented()


def test_https_brings_strict_cookies_and_transport() -> None:
    result = run(PRINT_SETTINGS, AISTRALE_PUBLIC_URL="https://aistrale.test")
    assert result.stdout.split() == ["True", "__Host-session", str(365 * 24 * 3600)]


def test_cookies_are_bound_to_the_host_and_sent_by_tls_alone() -> None:
    code = """
from aistrale import settings
from django.conf import global_settings
for kind in ("SESSION", "CSRF"):
    for what in ("NAME", "SECURE", "PATH", "DOMAIN", "SAMESITE", "HTTPONLY"):
        name = f"{kind}_COOKIE_{what}"
        print(getattr(settings, name, getattr(global_settings, name)))
"""
    shown = run(code, AISTRALE_PUBLIC_URL="https://aistrale.test").stdout.split()
    common = ["True", "/", "None", "Lax"]
    assert shown == ["__Host-session", *common, "True", "__Host-csrf", *common, "True"]


def test_http_does_without_them() -> None:
    assert run(PRINT_SETTINGS).stdout.split() == ["False", "session", "0"]


@pytest.mark.parametrize("name", ["AISTRALE_MASTER_KEYS", "SECRET_KEY"])
def test_a_secret_can_come_from_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("m-file:content\n")
    setting = name.removeprefix("AISTRALE_")
    code = f"from aistrale import settings; print(settings.{setting})"
    result = run(code, **{name: "", f"{name}_FILE": str(tmp_path / "secret")})
    assert result.stdout == "m-file:content\n"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    result = run("import aistrale.settings", AISTRALE_MASTER_KEYS="", AISTRALE_MASTER_KEYS_FILE=str(missing))
    assert f"Cannot read {missing} (No such file or directory), which AISTRALE_MASTER_KEYS_FILE names" in result.stderr


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_the_address_of_a_server_can_come_from_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "address").write_text("postgres://user:secret@server/name\n")
    code = f"from aistrale import settings as s; print(s.{name}, s.EMBEDDED_POSTGRES, s.EMBEDDED_REDIS)"
    result = run(code, **{name: "", f"{name}_FILE": str(tmp_path / "address")})
    assert result.stdout.split() == ["postgres://user:secret@server/name", "False", "False"]
