"""Prompts, and programs that use the API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.test import Client

if TYPE_CHECKING:
    from accounts.models import Team, User
    from prompts.models import PromptVersion

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

    def patch(self, name: str, version: int, labels: Sequence[str], **more: Any) -> Any:
        body = {"newLabels": list(labels), **more}
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


@pytest.fixture
def triage(alice: User, bob: User, team: Team) -> PromptVersion:
    """Version 2 of a prompt of alice, which her team reads; production is still at version 1."""
    from accounts.sharing import Audience, Visibility
    from prompts import services
    from prompts.drafts import Draft, Variable

    first = services.create_prompt(
        owner=alice,
        name="support/triage",
        type="text",
        draft=Draft("Sort {{ticket}}", (Variable("ticket", sample="T-1"),)),
        audience=Audience(Visibility.TEAM, team),
        message="First version",
        labels=["production"],
    )
    return services.save_version(
        prompt=first.prompt,
        draft=Draft("Sort {{ticket}}\nBe brief", (Variable("ticket", sample="T-1"),)),
        author=alice,
        message="Shorter",
        made_from=1,
    )


@pytest.fixture
def let_edit() -> Callable[[PromptVersion], None]:
    """Lets those who read the prompt edit it too."""

    def let(version: PromptVersion) -> None:
        from prompts import services

        prompt = version.prompt
        services.share_prompt(prompt=prompt, audience=prompt.audience, readers_may_edit=True, actor=prompt.owner)

    return let
