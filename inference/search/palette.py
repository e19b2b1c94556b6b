"""What Ctrl+K offers: pages and actions, models, and the best of what the user may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from django.core.cache import cache
from django.urls import reverse

from accounts.models import User
from inference.chat.picker.defaults import known_models
from inference.search.analysis import fold, terms_of
from inference.search.browsing import newest
from inference.search.models import Kind
from inference.search.query_text import QueryText
from inference.search.scopes import Filters
from inference.search.searching import search
from inference.search.shown import Hit, show

SHOWN = 5
ICONS = {Kind.CALL: "activity", Kind.CONVERSATION: "message-square", Kind.PROMPT: "file-text"}


class Door(NamedTuple):
    """A page, or the page where something begins. ``words``: what else it may be called."""

    title: str
    view: str
    icon: str
    words: str = ""
    for_administrators: bool = False


ACTIONS = (
    Door("New chat", "inference:chat", "plus", "conversation message ask"),
    Door("New prompt", "prompts:prompt-add", "plus", "create template"),
    Door("New backtest", "backtests:backtest-add", "plus", "replay evaluate"),
    Door("Add provider key", "tokens:token-add", "plus", "token secret openai anthropic"),
    Door("Import prompts", "prompts:prompt-import", "upload", "yaml json langfuse"),
    Door("Create API key", "accounts:api-key-add", "plus", "program script scope"),
    Door("Create team", "accounts:team-add", "plus", "group"),
    Door("Invite user", "people:invite", "plus", "person account", for_administrators=True),
)
PAGES = (
    Door("Dashboard", "dashboard", "layout-dashboard", "home overview cost latency"),
    Door("Chat", "inference:chat", "message-square", "conversations"),
    Door("Playground", "playground:playground-list", "flask-conical", "compare models"),
    Door("Prompts", "prompts:prompt-list", "file-text", "versions labels"),
    Door("Backtests", "backtests:backtest-list", "history", "replay"),
    Door("Webhooks", "webhooks:webhook-list", "send"),
    Door("Provider keys", "tokens:token-list", "key-round", "tokens secrets"),
    Door("Calls", "telemetry:generation-list", "activity", "telemetry traces"),
    Door("Costs", "telemetry:costs", "activity", "spend budget money"),
    Door("Prices", "telemetry:price-list", "tags", "cost retirement models"),
    Door("Topics", "search:topic-list", "tag", "clusters"),
    Door("Search", "search:search", "search", "find"),
    Door("Audit", "audit:event-list", "scroll-text", "log events"),
    Door("Teams", "accounts:team-list", "users", "groups members"),
    Door("Security", "mfa_index", "shield", "two factor passkey authenticator"),
    Door("Profile", "accounts:profile", "user", "name time zone theme enter key settings"),
    Door("API keys", "accounts:api-key-list", "key-round", "scopes programs"),
    Door("Sessions", "accounts:session-list", "monitor", "devices"),
    Door("Change password", "account_change_password", "lock"),
    Door("API documentation", "api-docs", "code", "openapi"),
    Door("Users", "people:person-list", "users", "people accounts", for_administrators=True),
    Door("Encryption keys", "tokens:key-list", "lock", "rotate data master", for_administrators=True),
    Door("Allowed hosts", "tokens:host-list", "server", "private base url", for_administrators=True),
    Door("System", "system", "activity", "health jobs status", for_administrators=True),
    Door("Administration", "admin:index", "shield", "admin django", for_administrators=True),
)


@dataclass(frozen=True, slots=True)
class Option:
    title: str
    url: str
    icon: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    options: list[Option]


def groups_for(viewer: User, query: QueryText) -> list[Group]:
    """Without a query: what was changed last, then pages and actions."""
    if query.is_empty:
        groups = [Group("Recent", _recent(viewer)), Group("Actions", _doors(ACTIONS, viewer, ()))]
        return [group for group in [*groups, Group("Pages", _doors(PAGES, viewer, ()))] if group.options]
    hits = search(viewer=viewer, query=query, filters=Filters(), limit=3 * SHOWN, prefix=True, provider=False).hits
    groups = [
        Group("Pages", _doors(PAGES, viewer, query.terms)),
        Group("Actions", _doors(ACTIONS, viewer, query.terms)),
        *(Group(kind.label, _options(hit for hit in hits if hit.kind == kind)) for kind in _ORDER),
        Group("Models", _models(viewer, query.terms)),
    ]
    return [group for group in groups if group.options]


_ORDER = (Kind.CONVERSATION, Kind.PROMPT, Kind.CALL)


def _recent(viewer: User) -> list[Option]:
    order = newest(viewer=viewer, filters=Filters(), limit=SHOWN)
    return [_option(hit) for hit in show(order, {}, QueryText(""), viewer=viewer)]


def _options(hits: Iterable[Hit]) -> list[Option]:
    """Of calls that say the same to the same model, one is enough."""
    found = {(option.title, option.note): option for option in map(_option, reversed(list(hits)))}
    return list(reversed(found.values()))[:SHOWN]


def _option(hit: Hit) -> Option:
    note = hit.snippet.text if hit.snippet and hit.kind == Kind.CALL else " · ".join(hit.facts)
    return Option(hit.title, hit.url, ICONS[hit.kind], note)


def _doors(doors: Sequence[Door], viewer: User, terms: Sequence[str]) -> list[Option]:
    return [
        Option(door.title, reverse(door.view), door.icon)
        for door in doors
        if (viewer.is_administrator or not door.for_administrators) and _fits(f"{door.title} {door.words}", terms)
    ]


def _models(viewer: User, terms: Sequence[str]) -> list[Option]:
    found = [
        Option(
            model, f"{reverse('inference:chat')}?{urlencode({'provider': provider, 'model': model})}", "send", provider
        )
        for provider, models in _known_models(viewer).items()
        for model in models
        if _fits(f"{provider} {model}", terms)
    ]
    return found[:SHOWN]


def _known_models(viewer: User) -> dict[str, list[str]]:
    """Kept for a minute: they are asked for with each letter that is typed."""
    key = f"palette-models:{viewer.pk}"
    found: dict[str, list[str]] | None = cache.get(key)
    if found is None:
        found = known_models(viewer)
        cache.set(key, found, timeout=60)
    return found


def _fits(text: str, terms: Sequence[str]) -> bool:
    """Whether each term is the beginning of one of the words."""
    words = [fold(term.text) for term in terms_of(text)]
    return all(any(word.startswith(term) for word in words) for term in terms)
