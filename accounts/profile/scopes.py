"""What an API key may be used for: a scope such as ``prompts:read``, or ``prompts:read:support/`` for some names. Pure.

The last part of a scope of prompts is the beginning of their names; without it the scope holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

READ_AUDIT, READ_PROMPTS, WRITE_PROMPTS = "audit:read", "prompts:read", "prompts:write"
READ_SEARCH = "search:read"
TITLES = {
    READ_AUDIT: "Read the audit log",
    READ_PROMPTS: "Read prompts",
    WRITE_PROMPTS: "Create and change prompts",
    READ_SEARCH: "Search calls, conversations and prompts",
}
WITH_PREFIX = frozenset({READ_PROMPTS, WRITE_PROMPTS})
LONGEST = 250


class ScopeRefused(ValueError):
    """A text that is no scope, with what it should have been."""


def check(scopes: Iterable[str]) -> None:
    """Raises ScopeRefused for the first that is none."""
    for scope in scopes:
        kind, prefix = _parts(scope)
        if kind not in TITLES or (prefix is not None and (kind not in WITH_PREFIX or not _is_prefix(prefix))):
            raise ScopeRefused(f"“{scope}” is not a scope. Use one of {', '.join(TITLES)}, or prompts:read:folder/.")
        if len(scope) > LONGEST:
            raise ScopeRefused(f"A scope has at most {LONGEST} characters.")


def prefixes(scopes: Iterable[str], kind: str) -> list[str]:
    """Beginnings of the names that ``kind`` is granted for: '' for all names, an empty list for none."""
    granted = [prefix or "" for name, prefix in map(_parts, scopes) if name == kind]
    return [""] if "" in granted else granted


def allows(scopes: Iterable[str], kind: str, name: str = "") -> bool:
    """``name`` is that of the prompt, for the kinds that can have a prefix."""
    return any(name.startswith(prefix) for prefix in prefixes(scopes, kind))


def title(scope: str) -> str:
    kind, prefix = _parts(scope)
    return TITLES[kind] + (f" in {prefix}…" if prefix else "")


def _parts(scope: str) -> tuple[str, str | None]:
    """A prefix that is empty is '', that of a scope without one None."""
    parts = scope.split(":", 2)
    return ":".join(parts[:2]), parts[2] if len(parts) > 2 else None


def _is_prefix(text: str) -> bool:
    return bool(text) and text.isprintable() and text == text.strip() and not text.startswith("/")
