"""Each kind of action leaves exactly one entry, with time, actor, role, address, request id, object and outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.actions import AccountsAction
from accounts.models import Role as UserRole
from accounts.models import User
from accounts.people import invitations
from accounts.people import services as user_services
from accounts.personal_data import erasure
from accounts.profile import api_keys
from accounts.sharing import EVERYONE, PRIVATE, share
from accounts.teams import services as team_services
from aistrale.tests.audit_scene import SECRET, Scene
from audit.actions import Action, AuditAction, actions
from audit.models import AuditEvent
from conftest import PASSWORD
from inference.actions import InferenceAction
from inference.backtests import services as backtests
from inference.backtests.actions import BacktestAction
from inference.backtests.models import Backtest
from inference.chat.picker.pinned import toggle_favourite
from inference.chat.presets import delete_preset, save_preset
from inference.conversations.services import delete_conversation, export_conversation, restore_conversation
from inference.conversations.sharing import copy_branch
from inference.playground.actions import PlaygroundAction
from inference.playground.models import Playground
from inference.playground.services import create_playground, delete_playground
from inference.runs.finish import request_stop
from inference.runs.start import RunRequest, StartedRun, start_run
from inference.search import choosing, indexing
from inference.search.actions import SearchAction
from prompts import example_sets, protection
from prompts import services as prompt_services
from prompts.actions import PromptsAction
from prompts.drafts import Draft
from prompts.files import transfer
from prompts.files.document import PromptFile
from prompts.models import LabelProposal, ProtectedLabel
from prompts.rollout_rules import Guards
from prompts.rollouts import start_rollout
from telemetry.actions import TelemetryAction
from telemetry.explorer import services as saved_views
from telemetry.models import PriceOverride
from telemetry.prices.price_lists import add_price_list
from telemetry.tests.price_files import PRICE_LIST_FILE
from tokens import envelope, master_keys, rotation, services
from tokens.actions import TokensAction
from tokens.allowed_hosts import allow_host, remove_host
from tokens.models import EncryptionKey, Trigger
from webhooks import services as webhook_services
from webhooks.actions import WebhooksAction
from webhooks.models import Delivery

HI = PromptFile("hi", Draft("Hi"))

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene(
    alice: User,
    admin: User,
    client_of: Callable[[User], Client],
    confirmed_client_of: Callable[[User], Client],
    settings: Settings,
    fake_checker: None,
) -> Scene:
    token = services.add_token(owner=alice, actor=alice, provider="openai", label="Main", secret=SECRET)
    return Scene(alice, admin, token, confirmed_client_of(alice), confirmed_client_of(admin), settings)


def log_in(email: str, password: str) -> None:
    Client().post("/login/", {"login": email, "password": password})


def rotate(scene: Scene, *, compromised: EncryptionKey | None = None) -> None:
    rotation.run(trigger=Trigger.COMMAND, actor=scene.admin, compromised=compromised)


def rotate_master(scene: Scene) -> None:
    kept, scene.settings.MASTER_KEYS = scene.settings.MASTER_KEYS, envelope.new_master_key()
    scene.settings.MASTER_KEYS = f"{scene.settings.MASTER_KEYS},{kept}"
    master_keys.rewrap(actor=scene.admin)


def lose_master(scene: Scene) -> None:
    scene.settings.MASTER_KEYS = envelope.new_master_key()
    master_keys.declare_lost("m-test", actor=scene.admin)


def add(scene: Scene) -> None:
    scene.as_alice.post("/tokens/add/", {"provider": "openai", "label": "New", "secret": SECRET})


def allow_a_host(scene: Scene) -> None:
    allowed = allow_host(host="gpu-1.lan:8000", note="", actor=scene.admin)
    remove_host(allowed=allowed, actor=scene.admin)


def star_a_model(scene: Scene) -> None:
    assert toggle_favourite(user=scene.alice, provider="openai", model="gpt-4o", token_id=scene.token.pk)


def save_and_delete_a_preset(scene: Scene) -> None:
    preset = save_preset(owner=scene.alice, name="Precise", parameters={"temperature": 0.2})
    delete_preset(preset=preset, actor=scene.alice)


def share_conversation(scene: Scene) -> None:
    share(scene.conversation(), audience=EVERYONE, actor=scene.alice, action=InferenceAction.CONVERSATION_SHARE)


def a_playground(scene: Scene) -> Playground:
    return create_playground(owner=scene.alice, title="Triage", draft=Draft("Hi"), values={})


def a_backtest(scene: Scene) -> Backtest:
    use = RunRequest(provider="echo", model="echo", text="Hi", parent_id=None, client_id=uuid4())
    started = start_run(user=scene.alice, conversation_id=uuid4(), is_new=True, form=use)
    assert started is not None and started.order is not None
    plan = backtests.Plan(title="Replay", call_ids=[started.order.generation_id], sample=1, budget_usd=Decimal(1))
    return backtests.create_backtest(owner=scene.alice, plan=plan)


def steer_backtest(scene: Scene) -> None:
    backtest = a_backtest(scene)
    for step in (backtests.start_backtest, backtests.pause_backtest, backtests.cancel_backtest):
        step(backtest=backtest, actor=scene.alice)
    share(backtest, audience=EVERYONE, actor=scene.alice, action=BacktestAction.BACKTEST_SHARE)
    backtests.delete_backtest(backtest=backtest, actor=scene.alice)


def change_view(scene: Scene) -> None:
    view = saved_views.save_view(owner=scene.alice, name="Failed", query="?status=failed", audience=PRIVATE)
    saved_views.rename_view(view=view, name="Broken", actor=scene.alice)
    share(view, audience=EVERYONE, actor=scene.alice, action=TelemetryAction.VIEW_SHARE)
    saved_views.delete_view(view=view, actor=scene.alice)


def share_playground(scene: Scene) -> None:
    share(a_playground(scene), audience=EVERYONE, actor=scene.alice, action=PlaygroundAction.PLAYGROUND_SHARE)


def start(scene: Scene) -> StartedRun:
    form = RunRequest("openai", "gpt-4o", "Hi", None, uuid4())
    started = start_run(user=scene.alice, conversation_id=uuid4(), is_new=True, form=form)
    assert started is not None
    return started


def stop(scene: Scene) -> None:
    order = start(scene).order
    assert order is not None and request_stop(user=scene.alice, generation_id=order.generation_id)


def add_factor(scene: Scene) -> None:
    with transaction.atomic():
        Authenticator.objects.create(user=scene.alice, type=Authenticator.Type.WEBAUTHN, data={})


def use_key(scene: Scene) -> None:
    _, text = api_keys.create(user=scene.alice, label="CI", expires_at=None)
    assert api_keys.authenticate(text).user == scene.alice


def roll_out(scene: Scene) -> None:
    first = scene.prompt()
    prompt, alice = first.prompt, scene.alice
    prompt_services.move_label(prompt=prompt, label="production", to=first, actor=alice)
    second = prompt_services.save_version(prompt=prompt, draft=Draft("Bye"), author=alice)
    start_rollout(prompt=prompt, label="production", to=second, percent=10, guards=Guards(50), actor=alice)
    prompt_services.move_label(prompt=prompt, label="production", to=second, actor=alice)


def propose(scene: Scene) -> LabelProposal:
    version = scene.prompt()
    prompt_services.share_prompt(prompt=version.prompt, audience=EVERYONE, readers_may_edit=True, actor=scene.alice)
    return protection.propose_move(
        prompt=version.prompt, label="live", to=version, proposer=scene.alice, reason="Checked", seen_at=None
    )


def protect(scene: Scene) -> None:
    protected = ProtectedLabel(name="live")
    protection.protect_label(protected=protected, actor=scene.admin)
    protection.unprotect_label(protected=protected, actor=scene.admin)


def send_again(scene: Scene) -> None:
    delivery = webhook_services.send_test(webhook=scene.webhook(), actor=scene.alice)
    Delivery.objects.update(state="failed")
    assert webhook_services.send_again(delivery=delivery, actor=scene.alice)


def make_team(scene: Scene) -> None:
    team = team_services.create_team(name="Research", actor=scene.admin)
    team_services.add_member(team=team, user=scene.alice, actor=scene.admin)


def remove_budget(scene: Scene) -> None:
    for value in ("10", ""):
        scene.as_admin.post("/telemetry/costs/budget/", {"monthly_usd": value})


def set_price(scene: Scene) -> None:
    prices = {"input_price": "1", "cache_read_price": "1", "cache_write_price": "1", "output_price": "1"}
    scene.as_admin.post("/telemetry/prices/add/", {"provider": "openai", "model": "own-1", **prices})
    price = PriceOverride.objects.get()
    scene.as_admin.post(f"/telemetry/prices/{price.pk}/", prices | {"input_price": "2"})


def retire_model(scene: Scene) -> None:
    for day in ("2027-01-01", ""):
        sent = {"provider": "openai", "model": "own-1", "retires_on": day}
        scene.as_admin.post("/telemetry/prices/retirement/", sent)


def update_prices(scene: Scene) -> None:
    add_price_list(content=PRICE_LIST_FILE)


ROTATION = [
    TokensAction.KEY_CREATE,
    TokensAction.KEY_PROMOTE,
    TokensAction.KEY_RESEAL,
    TokensAction.KEY_VERIFY,
    TokensAction.KEY_RETIRE,
]
PROMPT = [PromptsAction.PROMPT_CREATE, PromptsAction.VERSION_CREATE]
PROPOSED = [*PROMPT, PromptsAction.PROMPT_SHARE, PromptsAction.LABEL_PROPOSE]
TABLE: dict[str, tuple[Callable[[Scene], object], Sequence[Action]]] = {
    "log-in": (lambda s: log_in(s.alice.email, PASSWORD), [AccountsAction.SESSION_LOGIN]),
    "failed log-in": (lambda s: log_in(s.alice.email, "wrong"), [AccountsAction.SESSION_LOGIN_FAILED]),
    "failed log-in of nobody": (lambda s: log_in("nobody@example.org", "x"), [AccountsAction.SESSION_LOGIN_FAILED]),
    "log-out": (lambda s: s.as_alice.post("/logout/"), [AccountsAction.SESSION_LOGOUT]),
    "denial of a page": (lambda s: s.as_alice.get("/tokens/keys/"), [AccountsAction.ACCESS_DENIED]),
    "denial of an action": (lambda s: s.as_alice.post("/tokens/keys/rotate/"), [AccountsAction.ACCESS_DENIED]),
    "host allowed and removed": (allow_a_host, [TokensAction.HOST_ALLOW, TokensAction.HOST_REMOVE]),
    "favourite model": (star_a_model, [InferenceAction.MODEL_FAVOURITE]),
    "preset": (save_and_delete_a_preset, [InferenceAction.PRESET_SAVE, InferenceAction.PRESET_DELETE]),
    "token tested and added": (add, [TokensAction.TOKEN_TEST, TokensAction.TOKEN_ADD]),
    "token used": (lambda s: services.open_token(token_id=s.token.pk, actor=s.alice), [TokensAction.TOKEN_USE]),
    "token tested and replaced": (
        lambda s: s.as_alice.post(s.path("replace"), {"secret": SECRET}),
        [TokensAction.TOKEN_TEST, TokensAction.TOKEN_REPLACE],
    ),
    "token made default": (lambda s: s.as_alice.post(s.path("default")), [TokensAction.TOKEN_UPDATE]),
    "token deleted": (lambda s: s.as_alice.post(s.path("delete"), {"name": "Main"}), [TokensAction.TOKEN_DELETE]),
    "keys rotated": (rotate, ROTATION),
    "key compromised": (lambda s: rotate(s, compromised=s.key()), [*ROTATION, TokensAction.KEY_COMPROMISE]),
    "master key rotated": (rotate_master, [TokensAction.MASTER_KEY_ROTATE]),
    "master key lost": (lose_master, [TokensAction.KEY_LOSE]),
    "log exported from the page": (lambda s: s.as_admin.get("/audit/export.csv"), [AuditAction.AUDIT_EXPORT]),
    "budget set": (
        lambda s: s.as_admin.post("/telemetry/costs/budget/", {"monthly_usd": "10"}),
        [TelemetryAction.BUDGET_SET],
    ),
    "budget removed": (remove_budget, [TelemetryAction.BUDGET_SET, TelemetryAction.BUDGET_DELETE]),
    "price set, changed": (set_price, [TelemetryAction.PRICE_CREATE, TelemetryAction.PRICE_UPDATE]),
    "retirement set and removed": (retire_model, [TelemetryAction.RETIREMENT_SET, TelemetryAction.RETIREMENT_DELETE]),
    "price list updated": (update_prices, [TelemetryAction.PRICES_UPDATE]),
    "calls repriced": (lambda s: call_command("reprice", since="2026-01-01"), [TelemetryAction.CALLS_REPRICE] * 2),
    "calls exported": (lambda s: s.as_admin.get("/telemetry/export.csv"), [TelemetryAction.CALLS_EXPORT]),
    "view of calls saved, renamed, shared and deleted": (
        change_view,
        [
            TelemetryAction.VIEW_CREATE,
            TelemetryAction.VIEW_RENAME,
            TelemetryAction.VIEW_SHARE,
            TelemetryAction.VIEW_DELETE,
        ],
    ),
    "log exported by command": (lambda s: call_command("export_audit"), [AuditAction.AUDIT_EXPORT]),
    "conversation deleted": (
        lambda s: delete_conversation(conversation=s.conversation(), actor=s.alice),
        [InferenceAction.CONVERSATION_DELETE],
    ),
    "conversation restored": (
        lambda s: restore_conversation(conversation=s.conversation(), actor=s.alice),
        [InferenceAction.CONVERSATION_RESTORE],
    ),
    "conversation exported": (
        lambda s: export_conversation(conversation=s.conversation(), name="json", leaf=None, actor=s.alice),
        [InferenceAction.CONVERSATION_EXPORT],
    ),
    "conversation shared": (share_conversation, [InferenceAction.CONVERSATION_SHARE]),
    "conversation copied": (
        lambda s: copy_branch(source=s.conversation(), leaf=None, actor=s.alice),
        [InferenceAction.CONVERSATION_COPY],
    ),
    "playground shared": (share_playground, [PlaygroundAction.PLAYGROUND_SHARE]),
    "playground deleted": (
        lambda s: delete_playground(playground=a_playground(s), actor=s.alice),
        [PlaygroundAction.PLAYGROUND_DELETE],
    ),
    "backtest started, paused, cancelled, shared and deleted": (
        steer_backtest,
        [
            InferenceAction.RUN_START,
            BacktestAction.BACKTEST_START,
            BacktestAction.BACKTEST_PAUSE,
            BacktestAction.BACKTEST_CANCEL,
            BacktestAction.BACKTEST_SHARE,
            BacktestAction.BACKTEST_DELETE,
        ],
    ),
    "embedders of search changed": (
        lambda s: choosing.use_local_only(actor=s.admin),
        [SearchAction.EMBEDDER_CHANGE],
    ),
    "search index rebuilt": (lambda s: indexing.rebuild(), [SearchAction.INDEX_REBUILD]),
    "consent to embed private content given": (
        lambda s: choosing.set_consent(user=s.alice, given=True),
        [SearchAction.CONSENT_CHANGE],
    ),
    "calls of a user searched by an administrator": (
        lambda s: s.as_admin.get("/search/", {"q": "refund", "user": s.alice.email}),
        [SearchAction.OTHERS_SEARCH],
    ),
    "run started": (start, [InferenceAction.RUN_START]),
    "run stopped": (stop, [InferenceAction.RUN_START, InferenceAction.RUN_STOP]),
    "prompt created": (lambda s: s.prompt(), PROMPT),
    "prompt described": (
        lambda s: prompt_services.update_prompt(prompt=s.prompt().prompt, actor=s.alice, description="Sorts"),
        [*PROMPT, PromptsAction.PROMPT_UPDATE],
    ),
    "prompt shared": (
        lambda s: prompt_services.share_prompt(
            prompt=s.prompt().prompt, audience=EVERYONE, readers_may_edit=True, actor=s.alice
        ),
        [*PROMPT, PromptsAction.PROMPT_SHARE],
    ),
    "prompt deleted": (
        lambda s: prompt_services.delete_prompt(prompt=s.prompt().prompt, actor=s.alice),
        [*PROMPT, PromptsAction.PROMPT_DELETE],
    ),
    "version saved": (
        lambda s: prompt_services.save_version(prompt=s.prompt().prompt, draft=Draft("Bye"), author=s.alice),
        [*PROMPT, PromptsAction.VERSION_CREATE],
    ),
    "version deleted": (
        lambda s: prompt_services.delete_version(version=s.prompt(), actor=s.alice),
        [*PROMPT, PromptsAction.VERSION_DELETE],
    ),
    "label moved": (
        lambda s: prompt_services.move_label(
            prompt=(version := s.prompt()).prompt, label="production", to=version, actor=s.alice
        ),
        [*PROMPT, PromptsAction.LABEL_MOVE],
    ),
    "rollout started and ended by a move": (
        roll_out,
        [
            *PROMPT,
            PromptsAction.LABEL_MOVE,
            PromptsAction.VERSION_CREATE,
            PromptsAction.ROLLOUT_START,
            PromptsAction.ROLLOUT_END,
            PromptsAction.LABEL_MOVE,
        ],
    ),
    "label proposed and moved": (
        lambda s: protection.approve(proposal=propose(s), approver=s.admin),
        [*PROPOSED, PromptsAction.LABEL_APPROVE, PromptsAction.LABEL_MOVE],
    ),
    "label proposed and declined": (
        lambda s: protection.decline(proposal=propose(s), actor=s.admin),
        [*PROPOSED, PromptsAction.LABEL_DECLINE],
    ),
    "label proposed and withdrawn": (
        lambda s: protection.withdraw(proposal=propose(s), actor=s.alice),
        [*PROPOSED, PromptsAction.LABEL_WITHDRAW],
    ),
    "label protected and not": (protect, [PromptsAction.LABEL_PROTECT, PromptsAction.LABEL_UNPROTECT]),
    "webhook changed": (
        lambda s: webhook_services.update_webhook(webhook=s.webhook(), actor=s.alice, is_active=False),
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_UPDATE],
    ),
    "secret of a webhook replaced": (
        lambda s: webhook_services.replace_secret(webhook=s.webhook(), actor=s.alice),
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_SECRET],
    ),
    "webhook deleted": (
        lambda s: webhook_services.delete_webhook(webhook=s.webhook(), actor=s.alice),
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_DELETE],
    ),
    "webhook tested, delivery sent again": (
        send_again,
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_TEST, WebhooksAction.DELIVERY_RESEND],
    ),
    "example set created": (lambda s: s.example_set(), [*PROMPT, PromptsAction.EXAMPLE_SET_CREATE]),
    "example set changed": (
        lambda s: example_sets.update_example_set(example_set=s.example_set(), name="Long", values={}, actor=s.alice),
        [*PROMPT, PromptsAction.EXAMPLE_SET_CREATE, PromptsAction.EXAMPLE_SET_UPDATE],
    ),
    "example set deleted": (
        lambda s: example_sets.delete_example_set(example_set=s.example_set(), actor=s.alice),
        [*PROMPT, PromptsAction.EXAMPLE_SET_CREATE, PromptsAction.EXAMPLE_SET_DELETE],
    ),
    "files imported": (
        lambda s: transfer.import_files(files=[HI], actor=s.alice, options=transfer.Options()),
        [*PROMPT, PromptsAction.FILES_IMPORT],
    ),
    "files exported": (
        lambda s: transfer.record_export(actor=s.alice, count=1, file_format="json"),
        [PromptsAction.FILES_EXPORT],
    ),
    "role changed": (
        lambda s: user_services.change_role(user=s.alice, role=UserRole.ADMINISTRATOR, actor=s.admin),
        [AccountsAction.USER_ROLE],
    ),
    "person deactivated": (
        lambda s: user_services.set_active(user=s.alice, active=False, actor=s.admin),
        [AccountsAction.USER_DEACTIVATE, AccountsAction.SESSION_END],
    ),
    "second factor added": (add_factor, [AccountsAction.MFA_ADD]),
    "person invited": (
        lambda s: invitations.invite(email="new@example.org", role=UserRole.ENGINEER, actor=s.admin),
        [AccountsAction.INVITATION_CREATE],
    ),
    "API key made and used": (use_key, [AccountsAction.API_KEY_CREATE, AccountsAction.API_KEY_USE]),
    "team made, member added": (make_team, [AccountsAction.TEAM_CREATE, AccountsAction.MEMBER_ADD]),
    "person erased": (
        lambda s: erasure.erase_user(user=s.alice, actor=s.admin),
        [AccountsAction.SESSION_END, TokensAction.TOKEN_DELETE, AccountsAction.USER_ERASE, AuditAction.DETAILS_ERASE],
    ),
}


@pytest.mark.parametrize("kind", TABLE)
def test_it_leaves_exactly_one_entry_of_each_action(kind: str, scene: Scene) -> None:
    act, expected = TABLE[kind]
    before = AuditEvent.objects.count()
    act(scene)
    entries = list(AuditEvent.objects.filter(sequence__gt=before))
    assert sorted(entry.action for entry in entries) == sorted(expected)
    for entry in entries:
        assert abs(datetime.now(UTC) - entry.timestamp) < timedelta(minutes=1)
        assert entry.outcome == _OUTCOMES.get(entry.action, "success")
        assert (entry.actor is None) == (entry.role == "")


def test_there_is_no_kind_of_action_without_a_test() -> None:
    tests = "".join(path.read_text() for path in settings.BASE_DIR.glob("*/tests/**/*.py"))
    assert [action for action in actions() if f"Action.{action.name}" not in tests and action not in tests] == []


_OUTCOMES = {AccountsAction.ACCESS_DENIED: "denied", AccountsAction.SESSION_LOGIN_FAILED: "failed"}


@pytest.mark.parametrize("kind", ["denial of an action", "token tested and replaced"])
def test_it_tells_who_from_where_and_by_which_request(kind: str, scene: Scene) -> None:
    answer = TABLE[kind][0](scene)
    entry = AuditEvent.objects.select_related("details").latest("sequence")
    assert (entry.actor, entry.role, entry.source) == (scene.alice.audit_id, "engineer", "web")
    assert entry.details.personal["address"] == "127.0.0.1"
    assert isinstance(answer, HttpResponse) and entry.request_id == answer["X-Request-ID"]


def test_it_names_the_page_that_was_denied_and_no_secret_in_its_address(scene: Scene) -> None:
    scene.as_alice.get("/tokens/keys/")
    entry = AuditEvent.objects.select_related("details").latest("sequence")
    assert (entry.details.personal["method"], entry.details.personal["page"]) == ("GET", "tokens/keys/")


def test_it_refuses_although_the_denial_cannot_be_recorded(scene: Scene) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    try:
        assert scene.as_alice.get("/tokens/keys/").status_code == 403
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditevent DROP CONSTRAINT full_disk")
