"""`deploy/kubernetes`: each manifest against the published schemas, and all of them against each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.conf import settings

Manifest = dict[str, Any]

HERE: Path = settings.BASE_DIR / "deploy" / "kubernetes"
KUSTOMIZATION: Manifest = yaml.safe_load((HERE / "kustomization.yaml").read_text())
MANIFESTS: list[Manifest] = [
    manifest for name in KUSTOMIZATION["resources"] for manifest in yaml.safe_load_all((HERE / name).read_text())
]
WORKLOADS = [manifest for manifest in MANIFESTS if "template" in manifest["spec"]]
# The oldest that its makers still mend, and the newest whose schemas there are.
VERSIONS = ("1.34", "1.37")
SECRETS = "/run/secrets/aistrale/"


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def settings_of_all() -> dict[str, str]:
    lines = (HERE / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def container_of(workload: Manifest) -> Manifest:
    [container] = workload["spec"]["template"]["spec"]["containers"]
    found: Manifest = container
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS, ids=name_of)
def test_it_follows_the_schema(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_manifest_with_a_wrong_word_is_found_out() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(
            WORKLOADS[0] | {"spec": WORKLOADS[0]["spec"] | {"replica": 2}}, "1.37", strict=True
        )


def test_every_file_is_part_of_it() -> None:
    assert {path.name for path in HERE.iterdir()} == {*KUSTOMIZATION["resources"], "kustomization.yaml", "settings.env"}


def test_what_is_selected_exists() -> None:
    labels = [workload["spec"]["template"]["metadata"]["labels"] for workload in WORKLOADS]
    for selector in selectors():
        assert any(selector.items() <= found.items() for found in labels), selector


def selectors() -> Iterator[dict[str, str]]:
    for manifest in MANIFESTS:
        spec = manifest["spec"]
        for selector in (spec.get("selector"), spec.get("podSelector")):
            if selector:
                yield selector.get("matchLabels", selector)


def test_the_number_of_web_processes_is_for_the_autoscaler_to_say() -> None:
    [scaler] = [manifest for manifest in MANIFESTS if manifest["kind"] == "HorizontalPodAutoscaler"]
    [target] = [
        workload for workload in WORKLOADS if workload["metadata"]["name"] == scaler["spec"]["scaleTargetRef"]["name"]
    ]
    assert "replicas" not in target["spec"] and scaler["spec"]["minReplicas"] >= 2


def test_its_settings_exist_and_secrets_are_read_from_files() -> None:
    known = (settings.BASE_DIR / ".env.example").read_text()
    names = [name.removesuffix("_FILE") for name in settings_of_all()]
    assert [name for name in names if f"{name}=" not in known] == []
    files = {name for name, value in settings_of_all().items() if value.startswith(SECRETS)}
    assert files == {name for name in settings_of_all() if name.endswith("_FILE")}


@pytest.mark.parametrize("workload", WORKLOADS, ids=name_of)
def test_processes_are_those_of_the_containers_without_rights(workload: Manifest) -> None:
    pod, container = workload["spec"]["template"]["spec"], container_of(workload)
    compose = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())["services"]
    assert container["args"] == compose[container["name"]].get("command", ["python", "manage.py", "serve"])
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert container["image"] == KUSTOMIZATION["images"][0]["name"]
    assert f"{container['volumeMounts'][0]['mountPath']}/" == SECRETS


def test_answers_get_their_time_to_end_before_a_process_is_killed() -> None:
    [web] = [workload for workload in WORKLOADS if workload["metadata"]["name"] == "aistrale-web"]
    pause = int(container_of(web)["lifecycle"]["preStop"]["exec"]["command"][1])
    needed = pause + float(settings_of_all()["AISTRALE_RUN_DRAIN_SECONDS"]) + 20
    assert web["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= needed
