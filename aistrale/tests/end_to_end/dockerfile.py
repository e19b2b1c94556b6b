"""The steps of a Dockerfile, done in plain folders where no container engine is at hand.

Each stage is a folder that becomes the root of its steps (``chroot`` in mount and process namespaces of its own). In
place of the base image it shows the programs of this machine, read-only. Needs root and Linux.

Only the instructions that our Dockerfile has are known; any other raises ValueError.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt")
DESCRIPTIVE = {"EXPOSE", "VOLUME"}
# What tells pip on this machine where packages are; a build elsewhere has its own.
INDEX_VARIABLES = ("PIP_", "UV_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY")


@dataclass
class Stage:
    """What a FROM begins. ``root`` holds the files that its steps make."""

    root: Path
    directory: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    def run(self, command: list[str], **variables: str) -> None:
        """As root, while the image is built. Raises CalledProcessError."""
        environment = {"PATH": _path(), **_index(), **self.environment, **variables}
        subprocess.run(self._within(command, "0:0", writable=True), env=environment, check=True)

    def start(self, command: list[str], log: IO[bytes], **variables: str) -> subprocess.Popen[bytes]:
        """As a container of the image: as its user, with nothing to write but /data and /tmp."""
        environment = {**self.environment, "PATH": f"{self.environment['PATH']}:{_path()}", **variables}
        return subprocess.Popen(
            self._within(command, self.user, writable=False), env=environment, stdout=log, stderr=log
        )

    def _within(self, command: list[str], user: str, *, writable: bool) -> list[str]:
        uid, _, gid = user.partition(":")
        mounts = [*self._mounts(), *([] if writable else self._read_only())]
        switch = f"setpriv --reuid={uid} --regid={gid} --clear-groups"
        inner = f"cd {shlex.quote(self.directory)} && exec {shlex.join(command)}"
        script = " && ".join([*mounts, f"exec chroot {self.root} {switch} sh -c {shlex.quote(inner)}"])
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]

    def _mounts(self) -> Iterator[str]:
        yield f"mount --bind {self.root} {self.root}"
        base = sys.base_prefix
        for source in (*SYSTEM, *([] if base.startswith("/usr") else [base])):
            if not os.path.isdir(source):
                continue
            target = self.root / source.removeprefix("/")
            target.mkdir(parents=True, exist_ok=True)
            yield f"mount --bind {source} {target} && mount -o remount,bind,ro {target}"
        for name in ("dev", "proc"):
            (self.root / name).mkdir(exist_ok=True)
            yield f"mount --rbind /{name} {self.root / name}"
        (self.root / "tmp").mkdir(exist_ok=True)
        yield f"mount -t tmpfs tmpfs {self.root / 'tmp'}"

    def _read_only(self) -> Iterator[str]:
        data = self.root / "data"
        yield f"mount --bind {data} {data} && mount -o remount,bind,ro {self.root}"


def build(dockerfile: Path, folder: Path) -> Stage:
    """The last stage, with all of its steps done; the folder that holds ``dockerfile`` is the context."""
    stages: dict[str, Stage] = {}
    for instruction, rest in instructions(dockerfile.read_text()):
        if instruction == "FROM":
            _, _, name = rest.partition(" AS ")
            root = folder / (name or "final")
            root.mkdir(parents=True)
            stage = stages[name or "final"] = Stage(root)
        elif instruction != "ARG":
            _do(instruction, rest, stage, stages, dockerfile.parent)
    return stage


def instructions(text: str) -> Iterator[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", text)
    for line in joined.splitlines():
        if line and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


def _do(instruction: str, rest: str, stage: Stage, stages: Mapping[str, Stage], context: Path) -> None:
    match instruction:
        case "WORKDIR":
            stage.directory = rest
            _in(stage, rest).mkdir(parents=True, exist_ok=True)
        case "COPY":
            _copy(rest, stage, stages, context)
        case "RUN":
            stage.run(["sh", "-c", rest])
        case _ if instruction not in DESCRIPTIVE:
            _configure(instruction, rest, stage)


def _configure(instruction: str, rest: str, stage: Stage) -> None:
    match instruction:
        case "ENV":
            name, _, value = rest.partition("=")
            stage.environment[name] = value
        case "USER":
            stage.user = rest
        case "CMD":
            stage.command = json.loads(rest)
        case "HEALTHCHECK":
            stage.healthcheck = json.loads(rest.partition(" CMD ")[2])
        case _:
            raise ValueError(f"{instruction} is not known here.")


def _copy(rest: str, stage: Stage, stages: Mapping[str, Stage], context: Path) -> None:
    *sources, target = rest.split()
    origin, ignored = context, _ignored(context)
    if sources[0].startswith("--from="):
        origin, ignored = stages[sources.pop(0).removeprefix("--from=")].root, []
    for source in sources:
        path, place = origin / source.lstrip("/"), _in(stage, target)
        if path.is_dir():
            shutil.copytree(path, place, dirs_exist_ok=True, symlinks=True, ignore=shutil.ignore_patterns(*ignored))
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _ignored(context: Path) -> list[str]:
    lines = (context / ".dockerignore").read_text().split()
    return [line.removeprefix("**/") for line in lines if line.startswith("**/")]


def _in(stage: Stage, path: str) -> Path:
    return stage.root / os.path.join(stage.directory, path).lstrip("/")


def _path() -> str:
    """The base image calls it `python`."""
    return f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def _index() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.upper().startswith(INDEX_VARIABLES)}
