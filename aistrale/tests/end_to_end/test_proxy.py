"""The configuration of nginx under `deploy/`, read by a real nginx, which passes pages and sockets on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.browser import Site, add_administrator, running_site
from aistrale.tests.end_to_end.nginx import CONFIGURATION, NGINX, copy, running_nginx
from aistrale.tests.end_to_end.site_runs import STARTED, ask, chat_socket, ended

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not NGINX, reason="There is no nginx.")]


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


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    directory, port = tmp_path_factory.mktemp("proxy"), free_port()
    variables = {
        "AISTRALE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "AISTRALE_BEHIND_PROXY": "true",
        "AISTRALE_METRICS_ADDRESSES": "127.0.0.1",
    }
    with (
        running_site(tmp_path_factory.mktemp("site"), **variables) as site,
        running_nginx(directory, [site.url], port=port) as url,
    ):
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
