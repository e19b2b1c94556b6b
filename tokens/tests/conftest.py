from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from accounts.models import User
    from tokens.models import ProviderToken

SECRET = "sk-canary-7Qw9ZbX3kLmN0pR2"


def elsewhere() -> psycopg.Connection[Any]:
    """A connection as another process has it."""
    from django.db import connection

    parameters = connection.get_connection_params()
    known = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port")}
    return psycopg.connect(make_conninfo("", **known), autocommit=True)


@pytest.fixture(autouse=True)
def _fresh_keyring() -> Iterator[None]:
    from tokens import keyring

    yield
    keyring.forget()


@pytest.fixture
def token_of(db: None) -> Callable[..., ProviderToken]:
    """`token_of(alice)`: a token that alice added herself."""
    from tokens import services

    def make(owner: User, **fields: Any) -> ProviderToken:
        values = {"provider": "openai", "label": "Main", "secret": SECRET, **fields}
        return services.add_token(owner=owner, actor=owner, **values)

    return make


@pytest.fixture
def token(alice: User, token_of: Callable[..., ProviderToken]) -> ProviderToken:
    return token_of(alice)
