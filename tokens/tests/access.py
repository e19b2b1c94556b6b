"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from accounts.models import User
from tokens import services
from tokens.models import ProviderToken

SECRET = "sk-canary-7Qw9ZbX3kLmN0pR2"


def a_token(owner: User) -> ProviderToken:
    return services.add_token(owner=owner, actor=owner, provider="openai", label="Main", secret=SECRET)


USERS = {"tokens/", "tokens/add/"}
ADMINISTRATORS = {"admin/tokens/providertoken/<path:object_id>/delete/"}
NO_PAGES = {"tokens/base-url/": "a part of the form"}
OBJECTS = {"tokens/<uuid:token_id>/": (a_token, "pk")}
