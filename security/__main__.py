"""`make security`: scans the source, and the system while it runs on throw-away servers."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2

from aistrale.embedded import Servers, database_url, redis_url
from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, running_site
from security import scanners
from security.findings import Finding, exceptions, problems

SBOM = Path("sbom.json")


def scan_source() -> Iterator[Finding]:
    yield from scanners.bandit()
    yield from scanners.detect_secrets()


def scan_system() -> Iterator[Finding]:
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="aistrale-security-"))
        directory.chmod(0o711)
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        servers = Servers(directory, throwaway=True)
        stack.callback(servers.stop)
        servers.start()
        os.environ |= {
            "AISTRALE_DATA_DIR": str(directory),
            "AISTRALE_ENV_FILE": os.devnull,
            "AISTRALE_LOG_LEVEL": "ERROR",
            "AISTRALE_MASTER_KEYS": f"m-scan:{base64.b64encode(secrets.token_bytes(32)).decode()}",
            "DATABASE_URL": database_url(directory),
            "REDIS_URL": redis_url(directory),
            "SECRET_KEY": secrets.token_urlsafe(50),
        }
        site = stack.enter_context(running_site(directory / "site", DJANGO_SUPERUSER_PASSWORD=PASSWORD))
        site.manage("createsuperuser", "--noinput", "--email", ADMIN)
        cookie = log_in(site.url)
        yield from scanners.headers(site.url, cookie)
        yield from scanners.wapiti(f"{site.url}/", "visitor", directory)
        yield from scanners.wapiti(f"{site.url}/", "administrator", directory, cookie)


def log_in(url: str) -> str:
    """The cookies of the administrator."""
    with httpx2.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as client:
        fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', client.get("/login/").text))
        client.post("/login/", data=fields | {"login": ADMIN, "password": PASSWORD})
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def main() -> int:
    print(f"The SBOM, {SBOM}, lists {scanners.sbom(SBOM)} parts.")
    found = [*scan_source(), *scan_system()]
    wrong = problems(found, exceptions())
    print(f"{len(found)} findings, {len(wrong)} of them without a reason, or reasons without a finding.")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
