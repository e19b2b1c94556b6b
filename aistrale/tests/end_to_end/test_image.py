"""The image of the Dockerfile: its steps are done as they stand there, and what they make runs as its user."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from django.conf import settings

from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.dockerfile import Stage, build
from aistrale.tests.end_to_end.prepared import prepared_database
from aistrale.tests.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def can_change_root() -> bool:
    try:
        return subprocess.call(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL) == 0
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def image() -> Iterator[Stage]:
    if not can_change_root():
        pytest.skip("Only root may change the root of a process.")
    folder = Path(tempfile.mkdtemp(prefix="aistrale-image-"))
    folder.chmod(0o755)
    try:
        yield build(settings.BASE_DIR / "Dockerfile", folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def secrets(image: Stage, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Those of an installation, readable by the user of the image alone, and a database."""
    place = image.root / "data" / "secrets"
    place.mkdir()
    command = ["python3", str(settings.BASE_DIR / "deploy" / "make_secrets.py"), "--directory", str(place)]
    subprocess.run([*command, "--env-file", str(tmp_path / ".env")], check=True, stdout=subprocess.DEVNULL)
    with prepared_database(tmp_path / "unused") as database_url:
        (place / "database_url").write_text(database_url)
        (place / "redis_url").write_text(os.environ["REDIS_URL"])
        yield {
            "SECRET_KEY_FILE": "/data/secrets/secret_key",
            "AISTRALE_MASTER_KEYS_FILE": "/data/secrets/master_keys",
            "AISTRALE_AUDIT_KEY_FILE": "/data/secrets/audit_key",
            "DATABASE_URL_FILE": "/data/secrets/database_url",
            "REDIS_URL_FILE": "/data/secrets/redis_url",
            "AISTRALE_METRICS_ADDRESSES": "127.0.0.1",
        }
    shutil.rmtree(place)


@contextmanager
def container(image: Stage, command: list[str], tmp_path: Path, **variables: str) -> Iterator[Path]:
    """While it runs; yields the file that has what it says. It has to end in order."""
    log = tmp_path / f"{command[-1]}.log"
    with log.open("wb") as output, image.start(command, output, **variables) as process:
        try:
            yield log
        finally:
            process.terminate()
            code = process.wait(timeout=40)
    assert code == 0, log.read_text()


def is_healthy(image: Stage, **variables: str) -> bool:
    with open(os.devnull, "wb") as nothing, image.start(image.healthcheck, nothing, **variables) as process:
        return process.wait(timeout=20) == 0


def test_web_worker_and_preparation_run_as_the_user_of_the_image(
    image: Stage, secrets: dict[str, str], tmp_path: Path
) -> None:
    port, worker_port = free_port(), free_port()
    variables = secrets | {"PORT": str(port), "AISTRALE_WORKER_PORT": str(worker_port)}
    assert image.user == "10001:0"
    with (tmp_path / "prepare.log").open("wb") as log:
        process = image.start(["python", "manage.py", "prepare"], log, **variables)
        assert process.wait(timeout=120) == 0, (tmp_path / "prepare.log").read_text()
    assert "/setup/" in (tmp_path / "prepare.log").read_text()
    assert not is_healthy(image, **variables)
    with (
        container(image, image.command, tmp_path, **variables),
        container(image, ["python", "manage.py", "worker"], tmp_path, **variables),
    ):
        wait_until(lambda: is_healthy(image, **variables), 60)
        wait_until(lambda: is_healthy(image, **variables, AISTRALE_HEALTH_PORT=str(worker_port)), 60)
        page = httpx2.get(f"http://127.0.0.1:{port}/login/").text
        [style, *_] = [part.partition('"')[0] for part in page.split('href="') if ".css" in part.partition('"')[0]]
        assert httpx2.get(f"http://127.0.0.1:{port}{style}").status_code == 200
        assert httpx2.get(f"http://127.0.0.1:{port}/health/ready").text == "ok"
        assert "aistrale_database_up 1.0" in httpx2.get(f"http://127.0.0.1:{worker_port}/metrics").text


def test_it_has_neither_tests_nor_secrets(image: Stage) -> None:
    app = image.root / "app"
    assert (app / "manage.py").exists()
    assert [path for path in app.rglob("tests") if ".venv" not in path.parts] == []
    assert not (app / "deploy" / "secrets").exists() and not (app / ".env").exists()


def test_nothing_of_the_code_can_be_written(image: Stage, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        for place in ("/app/aistrale", "/app", "/"):
            assert image.start(["touch", f"{place}/made"], log).wait() != 0
        assert image.start(["touch", "/data/made"], log).wait() == 0
