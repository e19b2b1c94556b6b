"""What people do with all that lets them in, at a running site: what of it is secret, and what they are shown."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from accounts.tests.software_passkey import Passkey
from accounts.tests.totp import STEP_SECONDS, totp_code
from aistrale.tests.end_to_end.browser import ADMIN, Site

NEW_PASSWORD = "canary fresh 9d2c6a1e"
LAST_PASSWORD = "canary last 3f7e0b5d"
MISTYPED = "canary mistyped 8c1a4f2e"
INVITED, INVITED_PASSWORD = "dora@example.org", "canary invited 5a9e2d7c"
# Wrong codes are words, which chance puts nowhere.
WRONG_CODES = ("qzx41k", "wjv72p", "hgy93q")
OIDC_SECRET = "canary-oidc-2b6f8d0e4a1c"
METRICS_TOKEN = "canary-metrics-7e1d3b5f9a0c"
PAGES = [
    *("", "chat/", "tokens/", "telemetry/", "audit/", "system/", "people/", "account/profile/", "account/sessions/"),
    *("account/api-keys/", "account/security/", "account/security/recovery-codes/", "account/teams/"),
    "account/data/export.jsonl",
    *("admin/", "admin/accounts/user/", "admin/accounts/invitation/", "admin/mfa/authenticator/", "audit/export.csv"),
    *("admin/audit/auditevent/", "admin/accounts/apikey/", "admin/accounts/usersession/", "nothing"),
]


@dataclass
class Visitor:
    """Sends forms as a browser does. ``shown`` is what was seen on pages that must not show a secret.

    ``look`` is called after every answer, when what it has left behind is still there.
    """

    url: str
    look: Callable[[], None]
    shown: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._client = httpx2.Client(base_url=self.url, headers={"Origin": self.url}, follow_redirects=True)

    def another(self) -> Visitor:
        return Visitor(self.url, self.look)

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

    def go_on(self, path: str) -> str:
        """Sends the form for it, and gives the address to which the answer leads by itself."""
        page = self._client.get(path)
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        answer = self._client.post(path, data={"csrfmiddlewaretoken": token[0]})
        self._seen(answer)
        return answer.headers["Refresh"].removeprefix("0; url=")

    def reveal(self, pattern: str) -> list[str]:
        """The secrets on the page that was seen last, which is the one that shows them."""
        found = re.findall(pattern, self.shown.pop())
        assert found, f"{pattern} is not on the page"
        return found

    def _seen(self, answer: httpx2.Response) -> str:
        self.sessions |= {value for name, value in self._client.cookies.items() if name == "session"}
        self.shown.append(answer.text)
        self.look()
        return answer.text


@dataclass
class Secrets:
    """``codes`` are digits, which are secret only as a word of their own.

    ``passing`` are those of the ``words`` that wait in a session for the form, or for somebody to come back; as long
    as that takes.
    """

    words: set[str]
    codes: set[str]
    passing: set[str]


def use_accounts(site: Site, password: str, visitor: Visitor) -> Secrets:
    """Gives what is secret of it."""
    visitor.send("/login/", login=ADMIN, password=MISTYPED)
    visitor.send("/login/", login=ADMIN, password=password)
    visitor.send("/account/confirm/", password=password)
    words = {NEW_PASSWORD, LAST_PASSWORD, MISTYPED, INVITED_PASSWORD, OIDC_SECRET, METRICS_TOKEN, *WRONG_CODES}
    words |= use_invitation(visitor) | use_api_key(visitor)
    signature, codes = use_passkey(visitor)
    key, used = use_app(visitor, password, codes)
    visitor.send("/password/", password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    passing = {key, *use_reset_link(visitor, site)}
    visitor.send("/login/", login=ADMIN, password=LAST_PASSWORD)
    shown = [visitor.get(f"/{path}") for path in PAGES]
    assert "Dashboard" in shown[0] and INVITED in shown[6], "nobody was logged in"
    visitor.get("/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
    assert "django_http_requests" in visitor.shown[-1]
    return Secrets({*words, *passing, signature}, {*codes, *used}, passing)


def fail_to_sign_on(visitor: Visitor) -> set[str]:
    """While the provider is down."""
    guest, code, state = visitor.another(), "canary-code-6e4b2d9f", "canary-state-1a7c3e5d"
    guest.send("/login/sso/")
    guest.get(f"/login/sso/callback/?code={code}&state={state}")
    visitor.follow(guest)
    return {code, state}


def sign_on(visitor: Visitor, sub: str) -> None:
    """Single sign-on as ``sub``, at a provider that knows what is secret of it."""
    guest = visitor.another()
    target = guest.go_on("/login/sso/")
    guest.shown.pop()  # leads on to the provider, with what is for it
    back = urlsplit(httpx2.post(target, data={"sub": sub}).headers["Location"])
    guest.get(f"{back.path}?{back.query}")
    assert "Dashboard" in guest.shown[-1], str(back) + re.sub(r"<[^>]+>|\s+", " ", guest.shown[-1])[-900:]
    visitor.follow(guest)


def use_invitation(visitor: Visitor) -> set[str]:
    visitor.send("/people/invite/", email=INVITED, role="engineer")
    [link] = set(visitor.reveal(r"http://[^\s\"<]+/invitation/[^\s\"<]+/"))
    path, guest = urlsplit(link).path, visitor.another()
    guest.send(path, name="Dora", password=INVITED_PASSWORD, repeated="something else")
    guest.send(path, name="Dora", password=INVITED_PASSWORD, repeated=INVITED_PASSWORD)
    guest.get("/account/profile/")
    assert INVITED in guest.shown[-1], "the invitation was not accepted"
    guest.get(path)
    visitor.follow(guest)
    return {path.split("/")[2]}


def use_api_key(visitor: Visitor) -> set[str]:
    visitor.send("/account/api-keys/add/", label="Nightly", scopes="audit:read", expires_at="30")
    [key] = set(visitor.reveal(r"ais_[0-9a-f]{12}_[A-Za-z0-9_-]{43}"))
    program, wrong = visitor.another(), f"{key[:-5]}wrong"
    program.get("/audit/export.jsonl", Authorization=f"Bearer {key}")
    program.get("/audit/export.jsonl", Authorization=f"Bearer {wrong}")
    visitor.follow(program)
    program = visitor.another()
    program.get(f"/audit/export.jsonl?key={key}")  # leads to the log-in, and from there back
    program.close()
    return {key, key[-43:], wrong}


def use_passkey(visitor: Visitor) -> tuple[str, list[str]]:
    """The signature of its log-in, and the recovery codes that come with it."""
    passkey, path = Passkey(), "/account/security/passkeys/add/"
    page = visitor.get(path)
    [asked] = re.findall(r'<script id="passkey-options" type="application/json">(.*?)</script>', page)
    visitor.post(path, page, name="Laptop", credential=passkey.create(json.loads(asked)))
    codes = visitor.reveal(r"\b\d{8}\b")
    guest = visitor.another()
    page, asked = guest.get("/login/"), guest.get("/login/passkey/", Accept="application/json")
    said = passkey.get(json.loads(asked)["request_options"])
    guest.post("/login/passkey/", page, credential=said)
    assert "Dashboard" in guest.shown[-1], "the passkey did not let in"
    visitor.follow(guest)
    return json.loads(said)["response"]["signature"], codes


def codes_of(key: str) -> list[str]:
    """Three that are right, as one step off still is: for some seconds, for half a minute, and for a whole one."""
    passed = time.time() % 30
    if passed > 25:
        time.sleep(30 - passed)
    return [totp_code(key, time.time() + seconds) for seconds in (-STEP_SECONDS, 0, STEP_SECONDS)]


def use_app(visitor: Visitor, password: str, recovery: list[str]) -> tuple[str, set[str]]:
    """Right and wrong codes for setting it up, logging in and confirming: its key, and the codes that it showed."""
    path = "/account/security/totp/"
    page = visitor.get(path)
    [key] = visitor.reveal(r'<code id="totp-key">([A-Z2-7]+)</code>')
    visitor.post(path, page, code=WRONG_CODES[0])
    assert key in visitor.shown.pop(), "a wrong code has set up an app"
    early, now, late = codes_of(key)
    visitor.post(path, page, code=early)
    assert key not in visitor.shown[-1], "the code has not set up the app"
    for code, other in ((now, recovery[0]), (recovery[1], late)):
        guest = visitor.another()
        guest.send("/login/", login=ADMIN, password=password)
        guest.send("/login/code/", code=WRONG_CODES[1])
        guest.send("/login/code/", code=code)
        assert "Dashboard" in guest.shown[-1], "the code did not let in"
        guest.send("/account/confirm/", password=password, code=WRONG_CODES[2])
        assert "Dashboard" not in guest.shown[-1]
        guest.send("/account/confirm/", password=password, code=other)
        assert "Dashboard" in guest.shown[-1], "the code confirmed nothing"
        visitor.follow(guest)
    return key, {early, now, late}


def use_reset_link(visitor: Visitor, site: Site) -> set[str]:
    printed = site.manage("rescue", ADMIN, "--remove-second-factors")
    path = urlsplit(printed.split()[-1]).path
    guest = visitor.another()
    guest.send(path, password1=LAST_PASSWORD, password2="something else")
    guest.send(path, password1=LAST_PASSWORD, password2=LAST_PASSWORD)
    guest.get(path)
    visitor.follow(guest)
    return {path.strip("/").partition("-")[2]}
