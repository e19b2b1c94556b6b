"""Programs that use the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.test import Client

if TYPE_CHECKING:
    from accounts.models import User

PROMPTS = "/api/public/v2/prompts"
EVERYTHING = ("prompts:read", "prompts:write")


@dataclass(frozen=True)
class Program:
    """Sends the secret key of an API key with each request."""

    secret: str

    def get(self, path: str, **query: Any) -> Any:
        return Client().get(path, query, headers=self.headers)

    def read(self, name: str, **query: Any) -> Any:
        return self.get(path_of(name), **query)

    def post(self, body: Any) -> Any:
        return Client().post(PROMPTS, body, "application/json", headers=self.headers)

    def patch(self, name: str, version: int, labels: Sequence[str]) -> Any:
        body = {"newLabels": list(labels)}
        path = f"{path_of(name)}/versions/{version}"
        return Client().patch(path, body, "application/json", headers=self.headers)

    def delete(self, name: str, **query: Any) -> Any:
        return Client().delete(path_of(name), query_params=query, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def path_of(name: str) -> str:
    return f"{PROMPTS}/{quote(name, safe='')}"


@pytest.fixture
def program_of(db: None) -> Callable[..., Program]:
    """`program_of(alice, scopes)`"""
    from accounts.profile import api_keys

    def make(user: User, scopes: Sequence[str] = EVERYTHING) -> Program:
        return Program(api_keys.create(user=user, label="CI", expires_at=None, scopes=scopes)[1])

    return make


@pytest.fixture
def program(program_of: Callable[..., Program], alice: User) -> Program:
    """It acts for alice."""
    return program_of(alice)
