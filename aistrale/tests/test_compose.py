"""`docker-compose.yml`, as far as it can be judged without a container engine."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.conf import settings

from inference.search.vectors import BUILD_MEGABYTES

CORE = {"proxy", "web", "worker", "prepare", "postgres", "valkey"}
WATCHING = {"prometheus", "alertmanager", "grafana", "jaeger", "loki", "collector"}
BASE_DIR: Path = settings.BASE_DIR


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())
    return found


def test_it_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text())
    jsonschema.validate(compose, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(compose | {"services": {"web": {"imagine": "web"}}}, schema)


def test_the_core_starts_without_a_profile(compose: dict[str, Any]) -> None:
    services = compose["services"]
    profiles = {name: service.get("profiles", []) for name, service in services.items()}
    assert profiles == dict.fromkeys(CORE, []) | dict.fromkeys(WATCHING, ["observability"])


def test_only_what_make_secrets_writes_has_to_be_set() -> None:
    text = (BASE_DIR / "docker-compose.yml").read_text()
    used = re.findall(r"(?<!\$)\$\{([A-Z_]+)(:-|:\?)?", text)
    assert {name for name, otherwise in used if otherwise == ":?"} == {"AISTRALE_UID"}
    assert [name for name, otherwise in used if not otherwise] == []
    assert set(re.findall(r"AISTRALE_UID:\?([^}]*)\}", text)) == {"run `make secrets` first"}


def test_every_image_has_a_fixed_version(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    assert [image for image in images if not re.search(r":[a-z]*\$?[{v]?[A-Z_:]*\S*\d", image)] == []
    assert not any(image.endswith(":latest") for image in images)


def test_what_is_mounted_exists(compose: dict[str, Any]) -> None:
    mounts = [volume for service in compose["services"].values() for volume in service.get("volumes", [])]
    sources = [BASE_DIR / mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert sources and [source for source in sources if not source.exists()] == []


def test_services_use_only_secrets_and_volumes_that_are_declared(compose: dict[str, Any]) -> None:
    services = compose["services"].values()
    assert {secret for service in services for secret in service.get("secrets", [])} == set(compose["secrets"])
    named = {mount.partition(":")[0] for service in services for mount in service.get("volumes", [])}
    assert {name for name in named if name[0] not in "./"} == set(compose["volumes"])


def test_only_the_proxy_and_grafana_are_published_and_on_this_machine_alone(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert set(published) == {"proxy", "grafana"}
    assert all(re.search(r":-127\.0\.0\.1:\d+\}:\d+$", port) for ports in published.values() for port in ports)


def test_the_application_is_neither_root_nor_able_to_write_its_own_code(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "prepare"):
        service = compose["services"][name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["user"].startswith("${AISTRALE_UID:?")


def test_postgresql_has_room_to_build_an_index_of_vectors(compose: dict[str, Any]) -> None:
    """Its processes share that memory, of which containers have 64 MB unless more is asked for."""
    size = re.fullmatch(r"(\d+)gb", compose["services"]["postgres"]["shm_size"])
    assert size and int(size[1]) * 1024 > 1.2 * BUILD_MEGABYTES


def make_secrets(directory: Path) -> list[str]:
    command = [sys.executable, str(BASE_DIR / "deploy" / "make_secrets.py"), "--directory", str(directory / "secrets")]
    result = subprocess.run(
        [*command, "--env-file", str(directory / ".env")], capture_output=True, text=True, check=True
    )
    return re.findall(r"^Created (\S+)", result.stdout, re.MULTILINE)


def test_secrets_are_made_for_their_owner_alone_and_only_once(tmp_path: Path, compose: dict[str, Any]) -> None:
    made = make_secrets(tmp_path)
    assert {Path(secret["file"]).name for secret in compose["secrets"].values()} < {Path(name).name for name in made}
    contents = {name: Path(name).read_text() for name in made}
    assert {stat.S_IMODE(Path(name).stat().st_mode) for name in made} == {0o600}
    assert make_secrets(tmp_path) == []
    assert {name: Path(name).read_text() for name in made} == contents
    [owner] = {Path(name).stat().st_uid for name in made}
    assert owner != 0 and (tmp_path / ".env").read_text() == f"AISTRALE_UID={owner}\n"


def test_a_setting_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AISTRALE_MFA=all")
    make_secrets(tmp_path)
    assert (tmp_path / ".env").read_text().startswith("AISTRALE_MFA=all\nAISTRALE_UID=")


def test_secrets_differ_from_one_installation_to_the_next(tmp_path: Path) -> None:
    first, second = ([Path(name).read_text() for name in make_secrets(tmp_path / name)] for name in ("a", "b"))
    assert not set(first) & set(second)
