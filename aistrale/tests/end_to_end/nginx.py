"""A real nginx with the configuration of `deploy/nginx`."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
from django.conf import settings

from aistrale.embedded import Child
from aistrale.tests.processes import wait_until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
CONFIGURATION: Path = settings.BASE_DIR / "deploy" / "nginx"


def copy(directory: Path, **replaced: str) -> None:
    """The files of `deploy/nginx`, with what belongs to one installation replaced."""
    shutil.copytree(CONFIGURATION, directory, dirs_exist_ok=True)
    main = directory / "nginx.conf"
    text = main.read_text()
    for old, new in {" /tmp": f" {directory}", **replaced}.items():
        assert old in text
        text = text.replace(old, new)
    main.write_text(text)


def configure(directory: Path, urls: Sequence[str], *, port: int) -> None:
    servers = "".join(f"server {url.removeprefix('http://')} max_fails=0;" for url in urls)
    upstream = f"upstream processes {{ {servers} }}\n    map $host"
    changes = {"http://web:8000": "http://processes", "map $host": upstream, "listen 8080": f"listen 127.0.0.1:{port}"}
    copy(directory, **changes)


def reconfigure(directory: Path, urls: Sequence[str], *, port: int) -> None:
    """Has a running one send what comes from now on to these web processes."""
    configure(directory, urls, port=port)
    os.kill(int((directory / "nginx.pid").read_text()), signal.SIGHUP)


@contextmanager
def running_nginx(directory: Path, urls: Sequence[str], *, port: int) -> Iterator[str]:
    """The URL of the proxy of the containers, before web processes that answer at ``urls``."""
    configure(directory, urls, port=port)
    child = Child(
        "nginx",
        [str(NGINX), "-p", str(directory), "-c", str(directory / "nginx.conf"), "-g", "daemon off;"],
        environment={},
        stop_signal=signal.SIGQUIT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url))
        yield url
    finally:
        child.stop(within=20)
        child.output.close()


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health/live").status_code == 200
    except httpx2.TransportError:
        return False
