"""The configuration of nginx under `deploy/`, read by a real nginx, which passes pages and sockets on."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from django.conf import settings

from aistrale.embedded import Child
from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.browser import Site, add_administrator, running_site
from aistrale.tests.end_to_end.site_runs import STARTED, ask, chat_socket, ended
from aistrale.tests.processes import wait_until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not NGINX, reason="There is no nginx.")]

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


def check(directory: Path, configuration: str) -> None:
    command = [str(NGINX), "-t", "-q", "-p", str(directory), "-c", str(directory / configuration)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")


def test_nginx_accepts_the_configuration_of_the_containers(tmp_path: Path) -> None:
    copy(tmp_path)
    check(tmp_path, "nginx.conf")


def test_nginx_accepts_the_site_of_a_host(tmp_path: Path) -> None:
    copy(tmp_path / "aistrale")
    key, certificate = tmp_path / "aistrale.key", tmp_path / "aistrale.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=aistrale.example.org", "-days", "1"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    site = (CONFIGURATION / "tls.conf").read_text()
    site = site.replace("/etc/ssl/private/", f"{tmp_path}/").replace("/etc/ssl/certs/", f"{tmp_path}/")
    (tmp_path / "host.conf").write_text(f"pid {tmp_path}/pid;\nevents {{ }}\nhttp {{\n{site}\n}}\n")
    check(tmp_path, "host.conf")


@contextmanager
def proxy(directory: Path, site: Site, *, port: int) -> Iterator[str]:
    """The URL of the proxy of the containers, before the web process of a site."""
    copy(directory, **{"http://web:8000": site.url, "listen 8080": f"listen 127.0.0.1:{port}"})
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


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    directory, port = tmp_path_factory.mktemp("proxy"), free_port()
    variables = {
        "AISTRALE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "AISTRALE_BEHIND_PROXY": "true",
        "AISTRALE_METRICS_ADDRESSES": "127.0.0.1",
    }
    with running_site(tmp_path_factory.mktemp("site"), **variables) as site, proxy(directory, site, port=port) as url:
        add_administrator(site)
        yield site, url


def test_pages_and_sockets_go_through_it(proxied: tuple[Site, str]) -> None:
    site, url = proxied
    seen = Site(url, site.setup_link, site.environment, site.server)
    with chat_socket(seen) as socket:
        ask(socket, until_text=STARTED, length=10)
        assert ended(seen)[0] == "succeeded"


def test_nobody_reads_metrics_through_it(proxied: tuple[Site, str]) -> None:
    site, url = proxied
    assert httpx2.get(f"{site.url}/metrics").status_code == 200
    assert httpx2.get(f"{url}/metrics").status_code == 404


def test_it_names_no_version(proxied: tuple[Site, str]) -> None:
    _, url = proxied
    assert httpx2.get(f"{url}/metrics").headers["Server"] == "nginx"
