"""To a provider of single sign-on and back, as a browser goes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.test import Client
from oidc_provider_mock import User as Person
from pytest_django import Settings

from accounts.models import User

NEVER = "http://127.0.0.1:1"


def person(sub: str, email: str, **claims: Any) -> Person:
    return Person(sub=sub, claims={"email": email, "email_verified": True, "name": sub.title(), **claims})


PEOPLE = [
    person("alice", "Alice@example.org"),
    person("boss", "boss@example.org", groups=["staff", "admins"]),
    person("staff", "staff@example.org", groups=["staff"]),
    person("liar", "alice@example.org", email_verified="false"),
    person("unsure", "alice@example.org", email_verified=False),
    person("elsewhere", "eve@evil.example"),
    Person(sub="silent", claims={}),
]


def point_at(server: str, settings: Settings) -> None:
    app = {"provider_id": "sso", "name": "Our SSO", "client_id": "aistrale", "secret": "s3cret"}
    app_settings = {"server_url": server, "oauth_pkce_enabled": True}
    settings.SOCIALACCOUNT_PROVIDERS = deepcopy({"openid_connect": {"APPS": [{**app, "settings": app_settings}]}})
    settings.OIDC_SERVER, settings.OIDC_NAME = server, "Our SSO"


def sent_to(answer: Any) -> str:
    """Where a page leads on to by itself."""
    assert answer.status_code == 200 and "Refresh" in answer.headers, answer.content.decode()
    return str(answer["Refresh"]).removeprefix("0; url=")


def back_from(start: Any, sub: str) -> str:
    """Where whoever is ``sub`` at the provider is sent back to."""
    back = urlsplit(httpx.post(sent_to(start), data={"sub": sub}).headers["Location"])
    return f"{back.path}?{back.query}"


def sign_on(client: Client, sub: str, *, query: str = "") -> Any:
    """Goes to the provider, is ``sub`` there, and comes back; gives the answer to that."""
    return client.get(back_from(client.post(f"/login/sso/{query}"), sub))


def without_password(user: User) -> User:
    user.set_unusable_password()
    user.save()
    return user
