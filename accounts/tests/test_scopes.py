from __future__ import annotations

import pytest

from accounts.profile import scopes
from accounts.profile.scopes import ScopeRefused


@pytest.mark.parametrize(
    "scope", ["audit:read", "prompts:read", "prompts:write", "prompts:read:support/", "prompts:read:a:b"]
)
def test_it_takes_what_the_documents_name(scope: str) -> None:
    scopes.check([scope])


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "prompts",
        "prompts:delete",
        "audit:read:x",
        "prompts:read:",
        "prompts:read:/a",
        "prompts:read: a",
        "prompts:read:" + "x" * 250,
    ],
)
def test_it_refuses_anything_else(scope: str) -> None:
    with pytest.raises(ScopeRefused):
        scopes.check(["prompts:read", scope])


@pytest.mark.parametrize(
    ("granted", "kind", "name", "allowed"),
    [
        (["prompts:read"], "prompts:read", "support/triage", True),
        (["prompts:read"], "prompts:write", "support/triage", False),
        (["prompts:write"], "prompts:read", "support/triage", False),
        (["prompts:read:support/"], "prompts:read", "support/triage", True),
        (["prompts:read:support/"], "prompts:read", "supporters", False),
        (["prompts:read:a/", "prompts:read:b/"], "prompts:read", "b/c", True),
        ([], "prompts:read", "", False),
    ],
)
def test_it_allows_what_was_granted(granted: list[str], kind: str, name: str, allowed: bool) -> None:
    assert scopes.allows(granted, kind, name) is allowed


def test_a_grant_for_all_names_makes_others_needless() -> None:
    assert scopes.prefixes(["prompts:read:a/", "prompts:read"], "prompts:read") == [""]
