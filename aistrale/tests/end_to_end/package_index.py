"""A package index (the Simple API, PEP 503) for tests of the installation."""

from __future__ import annotations

import hashlib
import re
import threading
import urllib.request
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import urljoin

UPSTREAM = "https://pypi.org/simple/"


class PackageIndex:
    """Offers the wheels that are added; with ``newer_of_everything`` also all of PyPI, each with a newer release."""

    def __init__(self, *, newer_of_everything: bool = False, without: Sequence[str] = ()) -> None:
        self._newer_of_everything = newer_of_everything
        self._without = without
        self._files: dict[str, bytes] = {}
        self.url = ""

    def add(self, name: str, version: str, requires: Sequence[str] = ()) -> str:
        """The line of a lock that pins it."""
        content = wheel(name, version, requires)
        self._files[f"{name.replace('-', '_')}-{version}-py3-none-any.whl"] = content
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"

    def page(self, name: str) -> str | None:
        """The links to all releases of a project, None for one that is unknown."""
        links = "".join(_link(name, file) for file in self._files if file.startswith(f"{name.replace('-', '_')}-"))
        if self._newer_of_everything and name not in self._without:
            self.add(name, "99999.0")
            links = upstream_links(name) + _link(name, f"{name.replace('-', '_')}-99999.0-py3-none-any.whl")
        return f"<!DOCTYPE html><html><body>{links}</body></html>" if links else None

    def file(self, name: str) -> bytes | None:
        return self._files.get(name)

    @contextmanager
    def serving(self) -> Iterator[PackageIndex]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, _, name = self.path.strip("/").partition("/")
                page = index.page(name) if kind == "simple" else None
                content = page.encode() if page else index.file(name.rpartition("/")[2])
                self.send_response(HTTPStatus.OK if content else HTTPStatus.NOT_FOUND)
                self.send_header("Content-Type", "text/html" if page else "application/octet-stream")
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: object) -> None:
                """Tests have no use for a log of requests."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}/simple/"
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield self
            server.shutdown()
            thread.join()


def wheel(name: str, version: str, requires: Sequence[str]) -> bytes:
    """A package with one module, as pip installs it."""
    module = name.replace("-", "_")
    files = {
        f"{module}.py": f"VERSION = {version!r}\n",
        f"{module}-{version}.dist-info/METADATA": "\n".join(
            [
                "Metadata-Version: 2.1",
                f"Name: {name}",
                f"Version: {version}",
                *(f"Requires-Dist: {r}" for r in requires),
            ]
        )
        + "\n",
        f"{module}-{version}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = f"{module}-{version}.dist-info/RECORD"
    files[record] = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items()) + f"{record},,\n"
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return content.getvalue()


def upstream_links(name: str) -> str:
    url = urljoin(UPSTREAM, f"{name}/")
    with urllib.request.urlopen(url, timeout=60) as response:
        page: str = response.read().decode()
    return re.sub(r'href="([^"]+)"', lambda match: f'href="{urljoin(url, match[1])}"', page.partition("<body>")[2])


def _digest(text: str) -> str:
    return f"sha256={urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()}"


def _link(name: str, file: str) -> str:
    return f'<a href="../../files/{name}/{file}">{file}</a>\n'
