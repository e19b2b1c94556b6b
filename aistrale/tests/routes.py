"""Every HTTP route of the site, with an address that leads to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

MISSING: Mapping[str, str] = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "int": "999999",
    "str": "x",
    "path": "x",
}
_PARAMETER = re.compile(r"<(?:(\w+):)?\w+>")
_GROUP = re.compile(r"\(\?P<\w+>(?:(\w+)(?:\|\w+)+|[^()]*)\)")


def all_routes() -> list[str]:
    """As Django writes them, without the slash they begin with."""
    return list(dict.fromkeys(route for route, _ in _walk(get_resolver())))


def _walk(resolver: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, route)
        else:
            yield route, pattern


def path_of(route: str, *values: object) -> str:
    """``values`` for the parameters in turn, or such as no object has."""
    parts = _GROUP.sub(lambda group: group[1] or MISSING["str"], route)
    left = iter(values)
    path = _PARAMETER.sub(lambda name: str(next(left, MISSING[name[1] or "str"])), parts)
    return "/" + path.strip("^$").replace("/^", "/")
