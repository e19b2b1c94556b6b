"""What the sidebar, the tabs of settings and the tabs of telemetry lead to. A new page is one line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts.models import User
from prompts.models import LabelProposal


def _proposals_to_decide(user: User) -> int:
    return LabelProposal.objects.to_decide(user).count()


@dataclass(frozen=True, slots=True)
class Entry:
    """A link. It is current on its own page, and on those whose view name begins with one of ``below``.

    ``waiting`` counts what waits for a user there, and ``waits_for`` says for what.
    """

    title: str
    view_name: str
    icon: str = ""
    below: tuple[str, ...] = ()
    pages: tuple[Entry, ...] = ()
    waiting: Callable[[User], int] | None = None
    waits_for: str = ""

    def closeness(self, view_name: str) -> int:
        """How much of ``view_name`` belongs to this entry or its pages; 0 for none."""
        prefixes = (self.view_name, *self.below)
        own = [len(prefix) for prefix in prefixes if view_name.startswith(prefix)]
        return max([*own, *(page.closeness(view_name) for page in self.pages)], default=0)


TELEMETRY = (
    Entry("Dashboard", "dashboard"),
    Entry("Calls", "telemetry:generation-list", below=("telemetry:generation-", "telemetry:view-")),
    Entry("Topics", "search:topic-list"),
    Entry("Costs", "telemetry:costs", below=("telemetry:budget-",)),
)
MAIN = (
    Entry("Search", "search:search", "search", below=("search:",)),
    Entry("Chat", "inference:chat", "message-square", below=("inference:",)),
    Entry("Playground", "playground:playground-list", "flask-conical", below=("playground:", "backtests:")),
    Entry(
        "Prompts",
        "prompts:prompt-list",
        "file-text",
        below=("prompts:",),
        waiting=_proposals_to_decide,
        waits_for="waiting for your approval",
    ),
    Entry("Telemetry", "dashboard", "activity", below=("telemetry:",), pages=TELEMETRY),
    Entry("Provider keys", "tokens:token-list", "key-round", below=("tokens:",)),
)
ADMIN = (
    Entry("Users", "people:person-list", "user", below=("people:",)),
    Entry("Teams", "accounts:team-list", "users", below=("accounts:team-", "accounts:member-")),
    Entry("Prices", "telemetry:price-list", "tags", below=("telemetry:price-", "telemetry:retirement-")),
    Entry("Encryption keys", "tokens:key-list", "lock", below=("tokens:key-", "tokens:rotation-")),
    Entry("Audit", "audit:event-list", "scroll-text", below=("audit:",)),
    Entry("System", "system", "server"),
)
SETTINGS = (
    Entry("Profile", "accounts:profile"),
    Entry("Security", "mfa_index", below=("mfa_", "account_change_password", "accounts:sso-connect")),
    Entry("Sessions", "accounts:session-list", below=("accounts:session-",)),
    Entry("API keys", "accounts:api-key-list", below=("accounts:api-key-", "api-docs")),
    Entry("Webhooks", "webhooks:webhook-list", below=("webhooks:",)),
    Entry("Data", "accounts:own-data", below=("accounts:own-",)),
)
# What is in the section of administrators for them.
SETTINGS_OF_USERS = (
    *SETTINGS[:-1],
    Entry("Teams", "accounts:team-list", below=("accounts:team-", "accounts:member-")),
    Entry("Activity", "audit:event-list", below=("audit:",)),
    SETTINGS[-1],
)


def settings_of(user: User) -> Sequence[Entry]:
    return SETTINGS if user.is_administrator else SETTINGS_OF_USERS


def current_of(entries: Sequence[Entry], view_name: str) -> Entry | None:
    """The entry to which a page belongs most closely; None where it belongs to none of them."""
    closest = max(entries, key=lambda entry: entry.closeness(view_name), default=None)
    return closest if closest and closest.closeness(view_name) else None


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as a page shows it. ``is_open`` where the page belongs to it or to one of its ``pages``."""

    entry: Entry
    url: str
    is_current: bool
    is_open: bool
    pages: Sequence[Link]
    waiting: int


@dataclass(frozen=True, slots=True)
class Navigation:
    """``tabs`` are the pages beside this one, ``section`` names what they have in common."""

    main: Sequence[Link]
    admin: Sequence[Link]
    section: str
    tabs: Sequence[Link]
    are_settings: bool


def navigation_of(user: User, view_name: str) -> Navigation:
    admin = ADMIN if user.is_administrator else ()
    settings = settings_of(user)
    current = current_of([*MAIN, *admin, *settings], view_name)
    are_settings = current in settings
    siblings = settings if are_settings else current.pages if current else ()
    return Navigation(
        main=_links(MAIN, current, view_name, user),
        admin=_links(admin, current, view_name, user),
        section="Settings" if are_settings else current.title if current else "",
        tabs=_links(siblings, current_of(siblings, view_name), view_name, user),
        are_settings=are_settings,
    )


def _links(entries: Sequence[Entry], current: Entry | None, view_name: str, user: User) -> list[Link]:
    return [_link(entry, current, view_name, user) for entry in entries]


def _link(entry: Entry, current: Entry | None, view_name: str, user: User) -> Link:
    is_open = entry is current
    pages = _links(entry.pages, current_of(entry.pages, view_name), view_name, user) if is_open else []
    waiting = entry.waiting(user) if entry.waiting else 0
    return Link(entry, reverse(entry.view_name), is_open and not pages, is_open, pages, waiting)
