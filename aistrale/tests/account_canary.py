"""What people do with all that lets them in, at a running site: what of it is secret, and what they are shown."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from accounts.tests.software_passkey import Passkey
from aistrale.tests.browser import ADMIN, Site

NEW_PASSWORD = "canary fresh 9d2c6a1e"
LAST_PASSWORD = "canary last 3f7e0b5d"
MISTYPED = "canary mistyped 8c1a4f2e"
INVITED, INVITED_PASSWORD = "dora@example.org", "canary invited 5a9e2d7c"
OIDC_SECRET = "canary-oidc-2b6f8d0e4a1c"
METRICS_TOKEN = "canary-metrics-7e1d3b5f9a0c"
PAGES = [
    *("", "chat/", "tokens/", "telemetry/", "audit/", "system/", "people/", "account/profile/", "account/sessions/"),
    *("account/security/", "account/security/recovery-codes/", "account/teams/", "account/data/export.jsonl"),
    *("admin/", "admin/accounts/user/", "admin/accounts/invitation/", "admin/mfa/authenticator/", "audit/export.csv"),
    *("admin/audit/auditevent/", "admin/accounts/apikey/", "admin/accounts/usersession/", "nothing"),
]


@dataclass
class Visitor:
    """Sends forms as a browser does. ``shown`` is what was seen on pages that must not show a secret."""

    url: str
    shown: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._client = httpx2.Client(base_url=self.url, headers={"Origin": self.url}, follow_redirects=True)

    def get(self, path: str, **headers: str) -> str:
        return self._seen(self._client.get(path, headers=headers))

    def send(self, path: str, **fields: str) -> str:
        """Opens the form that is at ``path``, and sends it."""
        page = self._client.get(path)
        return self.post(str(page.url), page.text, **fields)

    def post(self, address: str, page: str, **fields: str) -> str:
        """Sends the form that is on ``page``."""
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        return self._seen(self._client.post(address, data={"csrfmiddlewaretoken": token[0], **fields}))

    def follow(self, other: Visitor) -> None:
        """Takes over what ``other`` was shown, who leaves."""
        self.shown += other.shown
        self.sessions |= other.sessions
        other.close()

    def close(self) -> None:
        self._client.close()

    def reveal(self, pattern: str) -> list[str]:
        """The secrets on the page that was seen last, which is the one that shows them."""
        found = re.findall(pattern, self.shown.pop())
        assert found, f"{pattern} is not on the page"
        return found

    def _seen(self, answer: httpx2.Response) -> str:
        self.sessions |= {value for name, value in self._client.cookies.items() if name == "session"}
        self.shown.append(answer.text)
        return answer.text


def use_accounts(site: Site, password: str) -> tuple[set[str], str]:
    """What is secret of it, and everything that was shown on the way to people and programs."""
    visitor = Visitor(site.url.replace("127.0.0.1", "localhost"))
    visitor.send("/login/", login=ADMIN, password=MISTYPED)
    visitor.send("/login/", login=ADMIN, password=password)
    visitor.send("/account/confirm/", password=password)
    secrets = {NEW_PASSWORD, LAST_PASSWORD, MISTYPED, INVITED_PASSWORD, OIDC_SECRET, METRICS_TOKEN}
    secrets |= use_invitation(visitor) | use_api_key(visitor) | use_passkey(visitor) | use_app(visitor)
    visitor.send("/password/", password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    secrets |= use_reset_link(visitor, site)
    visitor.send("/login/", login=ADMIN, password=LAST_PASSWORD)
    shown = [visitor.get(f"/{path}") for path in PAGES]
    assert "Dashboard" in shown[0] and INVITED in shown[6], "nobody was logged in"
    visitor.send("/login/sso/")  # the provider is down
    visitor.get("/login/sso/callback/?code=canary-code-6e4b2d9f&state=canary-state-1a7c3e5d")
    visitor.get("/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
    assert "aistrale_database_up" in visitor.shown[-1]
    secrets |= {"canary-code-6e4b2d9f", "canary-state-1a7c3e5d"}
    visitor.close()
    return secrets | visitor.sessions, "".join(visitor.shown)


def use_invitation(visitor: Visitor) -> set[str]:
    visitor.send("/people/invite/", email=INVITED, role="engineer")
    [link] = set(visitor.reveal(r"http://[^\s\"<]+/invitation/[^\s\"<]+/"))
    path, guest = urlsplit(link).path, Visitor(visitor.url)
    guest.send(path, name="Dora", password=INVITED_PASSWORD, repeated="something else")
    guest.send(path, name="Dora", password=INVITED_PASSWORD, repeated=INVITED_PASSWORD)
    guest.get("/account/profile/")
    assert INVITED in guest.shown[-1], "the invitation was not accepted"
    guest.get(path)
    visitor.follow(guest)
    return {path.split("/")[2]}


def use_api_key(visitor: Visitor) -> set[str]:
    visitor.send("/account/api-keys/add/", label="Nightly", expires_at="30")
    [key] = set(visitor.reveal(r"ais_[0-9a-f]{12}_[A-Za-z0-9_-]{43}"))
    program, wrong = Visitor(visitor.url), f"{key[:-5]}wrong"
    program.get("/audit/export.jsonl", Authorization=f"Bearer {key}")
    program.get("/audit/export.jsonl", Authorization=f"Bearer {wrong}")
    visitor.follow(program)
    program = Visitor(visitor.url)
    program.get(f"/audit/export.jsonl?key={key}")  # leads to the log-in, and from there back
    program.close()
    return {key, key[-43:], wrong}


def use_passkey(visitor: Visitor) -> set[str]:
    passkey, path = Passkey(), "/account/security/passkeys/add/"
    page = visitor.get(path)
    [asked] = re.findall(r'<script id="passkey-options" type="application/json">(.*?)</script>', page)
    visitor.post(path, page, name="Laptop", credential=passkey.create(json.loads(asked)))
    codes = visitor.reveal(r"\b\d{8}\b")
    guest = Visitor(visitor.url)
    page, asked = guest.get("/login/"), guest.get("/login/passkey/", Accept="application/json")
    said = passkey.get(json.loads(asked)["request_options"])
    guest.post("/login/passkey/", page, credential=said)
    assert "Dashboard" in guest.shown[-1], "the passkey did not let in"
    visitor.follow(guest)
    return {json.loads(said)["response"]["signature"], *codes}


def use_app(visitor: Visitor) -> set[str]:
    path = "/account/security/totp/"
    visitor.get(path)
    [key] = visitor.reveal(r'<code id="totp-key">([A-Z2-7]+)</code>')
    code = format_hotp_value(hotp_value(key, int(time.time()) // 30))
    visitor.send(path, code="00000x")
    visitor.shown.pop()  # the same key again
    visitor.send(path, code=code)
    return {key}


def use_reset_link(visitor: Visitor, site: Site) -> set[str]:
    printed = site.manage("rescue", ADMIN, "--remove-second-factors")
    path = urlsplit(printed.split()[-1]).path
    guest = Visitor(visitor.url)
    guest.send(path, password1=LAST_PASSWORD, password2="something else")
    guest.send(path, password1=LAST_PASSWORD, password2=LAST_PASSWORD)
    guest.get(path)
    visitor.follow(guest)
    return {path.strip("/").partition("-")[2]}
