"""What administrators can change in the admin site: every step, what is sent for it, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from django.http import HttpRequest

from accounts.actions import AccountsAction
from accounts.models import ApiKey, Invitation, Team, User, UserSession
from audit.actions import Action
from prompts.actions import PromptsAction
from prompts.models import ProtectedLabel
from telemetry.actions import TelemetryAction
from telemetry.models import PriceOverride
from tokens.actions import TokensAction
from tokens.models import ProviderToken
from webhooks.actions import WebhooksAction
from webhooks.models import Webhook

PHRASE = "a much longer phrase"
PRICES = ("input_price", "cache_read_price", "cache_write_price", "output_price")
ENGINEER = {"role": "engineer", "is_active": True}
STANDARD = ("changelist", "add", "history", "delete", "change")
Form = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """Alice is logged in, has a second factor, belongs to the team with Bob, and has one of everything else."""

    admin: User
    alice: User
    bob: User
    team: Team
    session: UserSession
    invitation: Invitation
    used: Invitation
    key: ApiKey
    token: ProviderToken
    price: PriceOverride
    protected: ProtectedLabel
    webhook: Webhook


Known = Form | Callable[[Scene], Form]


@dataclass(frozen=True)
class Entry:
    """``target`` names a thing of the scene, or is the model of which one is made."""

    action: Action
    target: str | type[Model]
    before: Known
    after: Known

    def facts(self, scene: Scene) -> tuple[str, str, Form, Form]:
        before, after = (known(scene) if callable(known) else known for known in (self.before, self.after))
        return self.action.value, self._target_id(scene), before, after

    def _target_id(self, scene: Scene) -> str:
        if isinstance(self.target, str):
            thing = getattr(scene, self.target)
        else:
            named = {name: value.pk for name, value in vars(scene).items() if isinstance(value, self.target)}
            thing = self.target._default_manager.exclude(pk__in=named.values()).get()
        return str(getattr(thing, "audit_id", thing.pk))


@dataclass(frozen=True)
class Step:
    """``path`` is below /admin/ and may name things of the scene; ``typed`` is what the question wants typed."""

    path: str
    form: Callable[[Scene], Form]
    entries: list[Entry]
    told: str
    asks: bool = True
    confirms: bool = False
    typed: Form | None = None

    def address(self, scene: Scene) -> str:
        return "/admin/" + self.path.format(**{name: value.pk for name, value in vars(scene).items()})


def offered(request: HttpRequest) -> Iterator[str]:
    """Every way to change something that there is, such as ``accounts.user delete``."""
    for model, page in admin.site._registry.items():
        label, name = model._meta.label_lower, model._meta.label_lower.replace(".", "_")
        yield from (f"{label} {way}" for way in ("add", "delete") if getattr(page, f"has_{way}_permission")(request))
        if page.has_change_permission(request):
            fields = page.get_form(request, model(), change=True).base_fields
            yield from (f"{label} change {field}" for field, one in fields.items() if not one.disabled)
        yield from (f"{label} {action}" for action in page.get_actions(request))
        yield from (f"{label} list {field}" for field in page.list_editable)
        for inline in page.get_inline_instances(request):
            ways = [
                way for way in ("add", "change", "delete") if getattr(inline, f"has_{way}_permission")(request, None)
            ]
            yield from (f"{label} {way} {inline.model._meta.model_name}" for way in ways)
        own = {getattr(url, "name", None) for url in page.get_urls()} - {f"{name}_{way}" for way in STANDARD} - {None}
        yield from (f"{label} {url}" for url in own)


def chosen(action: str, *things: str) -> Callable[[Scene], Form]:
    return lambda scene: {"action": action, ACTION_CHECKBOX_NAME: [getattr(scene, thing).pk for thing in things]}


def nothing(scene: Scene) -> Form:
    return {}


def _user_steps() -> dict[str, Step]:
    change, people = "accounts/user/{alice}/change/", "accounts/user/"
    ended = Entry(AccountsAction.SESSION_END, "alice", {}, {"sessions": 1})
    unchanged, inactive = (
        {"email": "alice@example.org", "name": "Alice", "role": "engineer"},
        ENGINEER | {"is_active": False},
    )
    passwords = {"usable_password": "true", "password1": PHRASE, "password2": PHRASE}
    new = {"email": "new@example.org", "role": "engineer", "password1": PHRASE, "password2": PHRASE}

    def sent(**changes: str) -> Callable[[Scene], Form]:
        return lambda scene: unchanged | {"is_active": "on"} | changes

    def step(path: str, form: Callable[[Scene], Form], told: str, *entries: Entry, asks: bool = True) -> Step:
        return Step(path, form, list(entries), told, asks=asks, confirms=True)

    def entry(action: Action, after: Form = ENGINEER) -> Entry:
        return Entry(action, "alice", ENGINEER, after)

    saved, role = "was changed successfully", ENGINEER | {"role": "administrator"}
    create, factors = Entry(AccountsAction.USER_CREATE, User, {}, ENGINEER), {"factors": ["totp"]}
    steps = {
        "add": step("accounts/user/add/", lambda s: new, "was added successfully", create, asks=False),
        "change name": step(change, sent(name="Alicia"), saved, entry(AccountsAction.USER_UPDATE), asks=False),
        "change email": step(change, sent(email="alicia@example.org"), saved, entry(AccountsAction.USER_UPDATE)),
        "change role": step(change, sent(role="administrator"), saved, entry(AccountsAction.USER_ROLE, role)),
        "change is_active": step(
            change, lambda s: unchanged, saved, entry(AccountsAction.USER_DEACTIVATE, inactive), ended
        ),
        "auth_user_password_change": step(
            "accounts/user/{alice}/password/",
            lambda s: passwords,
            "Signed out alice@example.org (1 session)",
            Entry(AccountsAction.USER_PASSWORD, "alice", {}, {}),
            ended,
            asks=False,
        ),
        "log_out": step(people, chosen("log_out", "alice"), "Signed out 1 user (1 session)", ended),
        "remove_second_factors": step(
            people,
            chosen("remove_second_factors", "alice"),
            "Two-factor reset for 1 user",
            Entry(AccountsAction.MFA_REMOVE, "alice", factors, {}),
        ),
        "make_password_links": step(
            people,
            chosen("make_password_links", "alice"),
            "These links are shown only once.",
            Entry(AccountsAction.USER_PASSWORD_LINK, "alice", {}, {}),
        ),
    }
    return {f"accounts.user {name}": step for name, step in steps.items()}


def _team_steps() -> dict[str, Step]:
    change = "accounts/team/{team}/change/"

    def sent(*, name: str = "Research", gone: str = "", comes: str = "") -> Callable[[Scene], Form]:
        def form(scene: Scene) -> Form:
            data: Form = {"name": name}
            rows = list(scene.team.memberships.order_by("pk"))
            for number, row in enumerate(rows):
                data |= {f"memberships-{number}-id": row.pk, f"memberships-{number}-team": scene.team.pk}
                if gone and row.user == getattr(scene, gone):
                    data[f"memberships-{number}-DELETE"] = "on"
            if comes:
                data[f"memberships-{len(rows)}-user"] = getattr(scene, comes).pk
            counts = {"INITIAL_FORMS": len(rows), "TOTAL_FORMS": len(rows) + bool(comes)}
            return data | {f"memberships-{key}": count for key, count in counts.items()}

        return form

    saved, empty = "was changed successfully", {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    private = {"private": {"providertoken": 1}}

    def moved(action: Action, who: str, **after: Any) -> Entry:
        return Entry(action, who, {}, lambda scene: {"team": str(scene.team.pk), **after})

    steps = {
        "add": Step(
            "accounts/team/add/",
            lambda s: {"name": "Sales", **empty},
            [Entry(AccountsAction.TEAM_CREATE, Team, {}, {})],
            "was added successfully",
            asks=False,
        ),
        "change name": Step(
            change, sent(name="Science"), [Entry(AccountsAction.TEAM_RENAME, "team", {}, {})], saved, asks=False
        ),
        "add membership": Step(
            change, sent(comes="admin"), [moved(AccountsAction.MEMBER_ADD, "admin")], saved, asks=False
        ),
        "delete membership": Step(
            change,
            sent(gone="alice"),
            [moved(AccountsAction.MEMBER_REMOVE, "alice", **private)],
            saved,
        ),
        "delete": Step(
            "accounts/team/{team}/delete/",
            nothing,
            [Entry(AccountsAction.TEAM_DELETE, "team", {}, {"members": 2, **private})],
            "Team “",
            typed={"name": "Research"},
        ),
    }
    return {f"accounts.team {name}": step for name, step in steps.items()}


def _price_steps() -> dict[str, Step]:
    form = {"provider": "openai", "model": "dear-1", "valid_from_0": "2026-01-01", "valid_from_1": "00:00:00"}
    form |= dict.fromkeys(PRICES, "1")
    stored = {"provider": "openai", "model": "dear-1", "valid_from": "2026-01-01 00:00:00+00:00"}
    stored |= dict.fromkeys(PRICES, "1.000000")
    other = {
        "valid_from": ("2026-02-01", "2026-02-01 00:00:00+00:00"),
        "provider": ("groq", "groq"),
        "model": ("m", "m"),
    }
    other |= dict.fromkeys(PRICES, ("2", "2.000000"))

    def change(name: str, sent: str, kept: str) -> Step:
        data = form | {"valid_from_0" if name == "valid_from" else name: sent}
        entry = Entry(TelemetryAction.PRICE_UPDATE, "price", stored, stored | {name: kept})
        path = "telemetry/priceoverride/{price}/change/"
        return Step(path, lambda s: data, [entry], "was changed successfully", asks=False)

    steps = {f"telemetry.priceoverride change {name}": change(name, *values) for name, values in other.items()}
    made = Entry(TelemetryAction.PRICE_CREATE, PriceOverride, {}, stored | {"model": "dear-2"})
    steps["telemetry.priceoverride add"] = Step(
        "telemetry/priceoverride/add/", lambda s: form | {"model": "dear-2"}, [made], "was added", asks=False
    )
    return steps | deletions("price", PriceOverride, Entry(TelemetryAction.PRICE_DELETE, "price", stored, {}))


def _protection_steps() -> dict[str, Step]:
    stored = {"label": "live", "approval": "administrator"}
    form = {"name": "canary", "approval": "second_user"}
    made = Entry(PromptsAction.LABEL_PROTECT, ProtectedLabel, {}, {"label": "canary", "approval": "second_user"})
    changed = Entry(PromptsAction.LABEL_PROTECT, "protected", stored, stored | {"approval": "second_user"})
    change = "prompts/protectedlabel/{protected}/change/"
    steps = {
        "add": Step("prompts/protectedlabel/add/", lambda s: form, [made], "was added", asks=False),
        "change approval": Step(change, lambda s: form, [changed], "was changed successfully", asks=False),
    }
    gone = Entry(PromptsAction.LABEL_UNPROTECT, "protected", stored, {})
    return {f"prompts.protectedlabel {name}": step for name, step in steps.items()} | deletions(
        "protected", ProtectedLabel, gone
    )


def deletions(name: str, model: type[Model], *entries: Entry, confirms: bool = False) -> dict[str, Step]:
    """Of one, on its page, and of those that are chosen in the list."""
    path = model._meta.label_lower.replace(".", "/")
    one = Step(f"{path}/{{{name}}}/delete/", nothing, list(entries), "was deleted", confirms=confirms)
    many = Step(f"{path}/", chosen("delete_selected", name), list(entries), "Successfully deleted 1", confirms=confirms)
    detail = ": used" if name == "used" else ""
    label = model._meta.label_lower
    return {f"{label} delete{detail}": one, f"{label} delete_selected{detail}": many}


def _as_logged(scene: Scene) -> Form:
    token = scene.token
    shared = {"visibility": "team", "team": str(scene.team.pk), "is_default": True}
    return {"provider": "openai", "base_url": "", **shared, "hint": token.hint, "fingerprint": token.fingerprint}


STEPS = (
    _user_steps()
    | _team_steps()
    | _price_steps()
    | _protection_steps()
    | deletions("session", UserSession, Entry(AccountsAction.SESSION_END, "alice", {}, {"sessions": 1}), confirms=True)
    | deletions("invitation", Invitation, Entry(AccountsAction.INVITATION_REVOKE, "invitation", {}, {}))
    | deletions("used", Invitation, Entry(AccountsAction.INVITATION_DELETE, "used", {"state": "used"}, {}))
    | deletions("key", ApiKey, Entry(AccountsAction.API_KEY_REVOKE, "key", lambda s: {"prefix": s.key.prefix}, {}))
    | deletions(
        "webhook", Webhook, Entry(WebhooksAction.WEBHOOK_DELETE, "webhook", lambda s: s.webhook.as_audited(), {})
    )
    | deletions("token", ProviderToken, Entry(TokensAction.TOKEN_DELETE, "token", _as_logged, {}))
)
