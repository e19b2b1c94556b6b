"""Who gets what of every route, and which are objects of one user: gathered from ``tests/access.py`` of each app.

A route that no app declares is expected to refuse users: whoever may see it has to be said. Such a module may hold

- ``EVERYONE``, ``USERS`` and ``NOBODY``: sets of routes, without those that are below them;
- ``ADMINISTRATORS``: what only they may do below the route of an object, and to add or delete in Django admin;
- ``OBJECTS``: of a route and all below it, who makes such an object of a user, and its attributes that the route names;
- ``NO_PAGES``: routes at which nobody can look, and why.

Django admin offers to add and to delete every model: that is nobody's unless it is said to be administrators'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any

from accounts.models import User
from aistrale.tests.declared import declared
from aistrale.tests.routes import all_routes

LOG_IN, REFUSED, LET_IN = "log in", "refused", "let in"


class Who(Enum):
    """What a visitor, an engineer and an administrator get."""

    EVERYONE = (LET_IN, LET_IN, LET_IN)
    PEOPLE = (LOG_IN, LET_IN, LET_IN)
    ADMINISTRATORS = (LOG_IN, REFUSED, LET_IN)
    # What Django admin would offer, but not of this model.
    NOBODY = (LOG_IN, REFUSED, REFUSED)


def _gathered(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in declared("access"):
        told = getattr(module, name, {})
        found |= told if isinstance(told, Mapping) else dict.fromkeys(told)
    return found


_EVERYONE, _USERS, _NOBODY = (_gathered(name) for name in ("EVERYONE", "USERS", "NOBODY"))
_ADMINISTRATORS = _gathered("ADMINISTRATORS")
_OBJECTS: Mapping[str, tuple[Any, ...]] = _gathered("OBJECTS")
NO_PAGES: Mapping[str, str] = _gathered("NO_PAGES")


def _above(route: str, known: Collection[str]) -> str | None:
    """The longest of them that the route is, or is below."""
    return max((one for one in known if route.startswith(one)), key=len, default=None)


def _who(route: str) -> Who:
    if route in _EVERYONE:
        return Who.EVERYONE
    if route in _USERS:
        return Who.PEOPLE
    if route in _NOBODY or (route.startswith("admin/") and _changes_rows(route) and route not in _ADMINISTRATORS):
        return Who.NOBODY
    is_of_users = _object_at(route) is not None and not _above(route, _ADMINISTRATORS)
    return Who.PEOPLE if is_of_users else Who.ADMINISTRATORS


def _changes_rows(route: str) -> bool:
    return route.endswith(("/add/", "/<path:object_id>/delete/"))


def _object_at(route: str) -> tuple[Any, ...] | None:
    above = _above(route, _OBJECTS)
    return _OBJECTS[above] if above else None


TABLE: Mapping[str, Who] = {route: _who(route) for route in all_routes()}
# Of each route with an object of one user: who makes one.
OBJECTS: Mapping[str, Callable[[User], Any]] = {
    route: kind[0] for route, who in TABLE.items() if who is Who.PEOPLE and (kind := _object_at(route))
}


def ids_in(route: str, made: Any) -> tuple[object, ...]:
    """What the parameters of the route are for this object."""
    kind = _object_at(route)
    return tuple(getattr(made, name) for name in kind[1:]) if kind else ()


def stale() -> set[str]:
    """What is declared of routes that do not exist."""
    exact = {*_EVERYONE, *_USERS, *_NOBODY, *NO_PAGES} - TABLE.keys()
    above = {one for one in (*_ADMINISTRATORS, *_OBJECTS) if not any(route.startswith(one) for route in TABLE)}
    return exact | above
