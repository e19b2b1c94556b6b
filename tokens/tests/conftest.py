from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from accounts.models import User
    from tokens.models import ProviderToken

SECRET = "sk-canary-7Qw9ZbX3kLmN0pR2"


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
