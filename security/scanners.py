"""The scanners, one function each. Each raises ScanFailed where it has not looked at anything."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from security.findings import Finding

PROGRAMS = Path(".venv-security/bin")
PACKAGES = [
    "accounts",
    "aistrale",
    "audit",
    "bench",
    "inference",
    "listing",
    "prompts",
    "security",
    "telemetry",
    "tokens",
    "webhooks",
]
# Its other modules ask a service on the internet, or look for what is not used here.
WAPITI_MODULES = "xss,sql,redirect,csp,cookieflags,http_headers,csrf,exec,file"
# For the crawl, and for each of the modules.
WAPITI_SECONDS, WAPITI_MODULE_SECONDS = 60, 20
PAGES_AT_LEAST = {"visitor": 2, "administrator": 12}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class ScanFailed(Exception):
    """A scanner did not run, or looked at nothing."""


def _run(*arguments: str, answers: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([str(PROGRAMS / arguments[0]), *arguments[1:]], capture_output=True, text=True, check=False)
    if done.returncode not in answers:
        raise ScanFailed(f"{arguments[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def bandit() -> Iterator[Finding]:
    report = json.loads(_run("bandit", "-q", "-r", *PACKAGES, "-x", "*/tests/*", "-f", "json", answers=(0, 1)))
    if report["metrics"]["_totals"]["loc"] < 5000 or report["errors"]:
        raise ScanFailed(f"bandit has read too little: {report['errors']}")
    for result in report["results"]:
        place = str(result["filename"]).removeprefix("./")
        yield Finding("bandit", result["test_id"], place, f"line {result['line_number']}: {result['issue_text']}")


def detect_secrets() -> Iterator[Finding]:
    listed = subprocess.run(["/usr/bin/env", "git", "ls-files"], capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.splitlines() if not name.startswith("static/vendor/")]
    if len(files) < 200:
        raise ScanFailed(f"There are {len(files)} files only to look for secrets in.")
    report = json.loads(_run("detect-secrets", "scan", *files))
    for place, secrets in report["results"].items():
        for secret in secrets:
            yield Finding("detect-secrets", secret["type"], place, f"line {secret['line_number']}")


def wapiti(url: str, who: str, directory: Path, cookie: str | None = None) -> Iterator[Finding]:
    """Attacks every form and parameter that it finds from ``url`` on."""
    report_file = directory / f"wapiti-{who}.json"
    arguments = ["-u", url, "--scope", "folder", "-m", WAPITI_MODULES, "--max-scan-time", str(WAPITI_SECONDS)]
    arguments += [
        "--max-attack-time",
        str(WAPITI_MODULE_SECONDS),
        "--flush-session",
        "--no-bugreport",
        "--store-session",
        str(directory),
        "-f",
        "json",
    ]
    # Those would end the session with which it looks.
    arguments += [part for path in ("logout/", "admin/logout/") for part in ("-x", f"{url}{path}")]
    arguments += ["-H", f"Cookie: {cookie}"] if cookie else []
    _run("wapiti", *arguments, "-o", str(report_file))
    report: dict[str, Any] = json.loads(report_file.read_text())
    if report["infos"]["crawled_pages_nbr"] < PAGES_AT_LEAST[who]:
        raise ScanFailed(f"wapiti has seen {report['infos']['crawled_pages_nbr']} pages only as {who}.")
    for kind in ("vulnerabilities", "anomalies"):
        for rule, found in report[kind].items():
            yield from (Finding("wapiti", rule, urlsplit(one["path"]).path or "/", one["info"]) for one in found)


def headers(url: str, cookie: str) -> Iterator[Finding]:
    """What a browser is told with pages, files, redirects and errors."""
    with httpx2.Client(base_url=url, headers={"Cookie": cookie}) as client:
        for path in ("/", "/tokens/", "/admin/", "/login/", "/nothing/", "/health/live", "/static/favicon.svg"):
            said = client.get(path).headers
            missing = [name for name, value in HEADERS.items() if said.get(name) != value]
            policy = said.get("Content-Security-Policy", "unsafe")
            if "unsafe" in policy or "default-src 'none'" not in policy:
                missing.append("Content-Security-Policy")
            missing += [name for name in ("Server", "X-Powered-By") if name in said]
            yield from (Finding("headers", name, path, str(said.get(name))) for name in missing)


def sbom(file: Path) -> int:
    """Writes what the application is made of; returns how many parts."""
    _run("cyclonedx-py", "requirements", "requirements.txt", "-o", str(file), "--output-format", "JSON")
    parts = len(json.loads(file.read_text())["components"])
    if parts < 50:
        raise ScanFailed(f"The SBOM lists {parts} parts only.")
    return parts
