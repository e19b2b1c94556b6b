"""Every page that there is, for whoever may see it, and what axe finds on it.

Pages are found by their links, so that a new one is held to this as well. A route that no link leads to is in the
table below, or in ``NO_PAGES`` of its app, or fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import resolve
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end import test_entrances, test_sso_browser
from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, log_in
from aistrale.tests.end_to_end.crawl import crawl, shape
from aistrale.tests.end_to_end.seed import confirm, fill
from aistrale.tests.end_to_end.test_account_pages import code
from aistrale.tests.end_to_end.usability import NARROW, WIDE, check_usable
from aistrale.tests.expectations import NO_PAGES
from aistrale.tests.routes import all_routes, path_of

ACCOUNTS = "/(account|people|invitation|login|logout|password)/"
ENGINEER, GONE = "engineer@example.org", "gone@example.org"
# To these no link leads, but what somebody does or types.
BY_ADDRESS = ("/account/confirm/passkey/", "/logout/", "/password/reset/done/", "/password/reset/sent/")
# What walks do not come by: a list that nothing is on, a filter that is on, one that is wrong, and no page at all.
STATES = (
    *("/prompts/?q=nothing", "/prompts/add/?type=text"),
    *("/chat/?q=nothing", "/chat/?shared=1", "/telemetry/?model=nothing"),
    *("/telemetry/costs/?whose=everyone&by=team", "/telemetry/costs/?show=table", "/telemetry/costs/?month=2020-01"),
    *("/audit/?action=accounts:session:login", "/audit/?start=x", "/nothing-here/"),
)
AFTER_AN_APP = ("/account/security/totp/remove/", "/account/security/recovery-codes/")
ENTRANCES = ("/login/", "/password/reset/1-nothing/", "/invitation/nothing/", "/account/setup/nothing/")
# These take a site with mail or single sign-on, or a log-in half done.
HELD_BY: Mapping[str, Callable[..., None]] = {
    "login/code/": test_entrances.test_it_has_an_accessible_page_for_the_second_factor,
    "password/reset/": test_entrances.test_it_gives_a_new_password_by_mail,
    "login/<str:provider_id>/": test_entrances.test_it_has_accessible_pages_of_single_sign_on,
    "login/<str:provider_id>/callback/": test_entrances.test_it_has_accessible_pages_of_single_sign_on,
    "account/sso/": test_entrances.test_it_connects_an_account_to_single_sign_on,
    "account/confirm/sso/": test_sso_browser.test_it_logs_in_and_confirms_at_the_provider,
}
A_FILE = re.compile(r".*/export\.\w+$")
# Of Django's admin, which leads them on to the page of change, and to the audit log.
LEAD_ON = re.compile("admin/.*/<path:object_id>/(history/)?$")
FURNISH = f"""
from decimal import Decimal
from os import environ
from django.core.management import call_command
from accounts.models import User
from accounts.people.services import set_active
from accounts.teams.services import add_member, create_team
from aistrale.job_queue import note_error
from audit.tasks import verify_next_slice
from inference.backtests.models import Backtest
from inference.backtests.services import Plan, create_backtest
from inference.models import Conversation, Message
from inference.playground.services import create_playground
from procrastinate.contrib.django.models import ProcrastinateJob
from accounts.sharing import EVERYONE
from prompts import example_sets, protection
from prompts import services as prompts
from prompts.drafts import Draft, Variable
from prompts.models import ProtectedLabel
from prompts.rollout_rules import Guards
from prompts.rollouts import start_rollout
from telemetry.explorer.services import save_view
from telemetry.models import Generation, PriceOverride
from tokens.allowed_hosts import allow_host
from tokens.tasks import rotate_keys
from webhooks import services as webhooks
from webhooks.models import Delivery
call_command("createsuperuser", interactive=False, email="{ADMIN}")
admin = User.objects.get()
engineer, gone = (
    User.objects.create_user(email, environ["DJANGO_SUPERUSER_PASSWORD"], name="x" * 90)
    for email in ("{ENGINEER}", "{GONE}")
)
set_active(user=gone, active=False, actor=admin)
add_member(team=create_team(name="Research", actor=admin), user=engineer, actor=admin)
call_command("add_token", owner=admin.email, provider="openai", label="Main", no_check=True, base_url="http://127.0.0.1:1")
for model, text in (("echo", "**Hello** `code`\\n\\n```python\\ndef f(): pass\\n```"), ("x" * 90, "No such model")):
    call_command("ask", text, user=admin.email, provider="echo", model=model)
PriceOverride.objects.create(
    provider="openai", model="m", input_price=1, cache_read_price=1, cache_write_price=1, output_price=1
)
shared = Conversation.objects.create(owner=admin, title="On heaps <b>", system="Brief", visibility="everyone")
question = Message.objects.create(conversation=shared, role="user", text="What is a heap?")
Message.objects.create(conversation=shared, parent=question, role="assistant", text="A **tree**.")
verify_next_slice(0)
job = ProcrastinateJob.objects.filter(pk=rotate_keys.defer())
job.update(status="failed", attempts=6)
note_error(job.get().pk, "ConnectError: " + "x" * 400)
tone = prompts.create_prompt(
    owner=admin, name="support/tone", type="text", draft=Draft("Be brief <b>"), labels=["production"], tags=["x" * 50]
)
said = [{{"type": "placeholder", "name": "history"}}]
include = "@@@langfusePrompt:name=support/tone|label=production@@@"
for text in ("Sort {{{{ticket}}}}", "Sort {{{{ticket}}}} {{{{plan}}}} " + include):
    said.append({{"type": "chatmessage", "role": "user", "content": text + "x" * 90}})
variables = (Variable("ticket", sample="T" * 90), Variable("unused", "choice", choices=("a", "b")))
tools = ({{"type": "function", "function": {{"name": "x" * 90}}}},)
drafts = [Draft(said[:count], variables, tools, {{"title": "x" * 90}}, {{"queue": "eu"}}) for count in (2, 3)]
first = prompts.create_prompt(
    owner=admin, name="support/" + "x" * 90, type="chat", draft=drafts[0], audience=EVERYONE, labels=["production"]
)
second = prompts.save_version(prompt=first.prompt, draft=drafts[1], author=admin, message="x" * 90, made_from=1)
example_sets.create_example_set(prompt=first.prompt, name="x" * 90, values={{"ticket": "x" * 90}}, actor=admin)
prompts.move_label(prompt=first.prompt, label="production", to=second, actor=admin, reason="x" * 90)
prompts.move_label(prompt=first.prompt, label="staging", to=first, actor=admin)
guards = Guards(50, 5.0, 3.0)
start_rollout(
    prompt=first.prompt, label="production", to=first, percent=10, guards=guards, actor=admin, reason="x" * 90
)
protection.protect_label(protected=ProtectedLabel(name="live", approval="second_user"), actor=admin)
for label in ("live", "gone"):
    proposed = protection.propose_move(
        prompt=first.prompt, label=label, to=first, proposer=engineer, reason="x" * 90, seen_at=None
    )
protection.decline(proposal=proposed, actor=admin, note="x" * 90)
hook = webhooks.create_webhook(owner=admin, name="Cache " + "x" * 70, url="https://hooks.example.org/" + "x" * 90)[0]
webhooks.send_test(webhook=hook, actor=admin)
webhooks.send_test(webhook=hook, actor=admin)
Delivery.objects.filter(pk=hook.deliveries.last().pk).update(state="failed", attempts=1, status=500, response="x" * 900)
create_playground(owner=admin, title="Compare " + "x" * 90, draft=Draft("Sort {{{{ticket}}}} <b>"), values={{}})
calls = list(Generation.objects.values_list("pk", flat=True))
for title in ("Replay " + "x" * 90, "Again", "Once more"):
    create_backtest(owner=admin, plan=Plan(title=title, call_ids=calls, sample=1, budget_usd=Decimal(1)))
Backtest.objects.filter(title__in=["Again", "Once more"]).update(state="done")
save_view(owner=admin, name="Failed " + "x" * 50, query="?status=failed", audience=EVERYONE)
allow_host(host="gpu-1.lan:8000", note="x" * 90, actor=admin)
call_command("rotate_keys")
"""


@pytest.fixture
def seeded(page: Page, fresh_site: Site, authenticator: None) -> Site:
    """By its name; ADMIN is logged in, and has just confirmed who they are."""
    site = replace(fresh_site, url=fresh_site.url.replace("127.0.0.1", "localhost"))
    site.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    site.manage("shell", "-v", "0", "-c", FURNISH, stdin="sk-0123456789abcdef")
    # One's own session is not ended in the admin site.
    log_in(page, site, ENGINEER)
    page.context.clear_cookies()
    log_in(page, site)
    confirm(page, site)
    fill(page, f"{site.url}/account/security/passkeys/add/", name="Blue key")
    fill(page, f"{site.url}/account/api-keys/add/", label="Nightly")
    fill(page, f"{site.url}/people/invite/", email="dora@example.org")
    return site


def rollout_form(page: Page, site: Site) -> str:
    """Where the comparison of a version with the one of a label leads to."""
    page.goto(f"{site.url}/prompts/?label=staging")
    page.locator(".list-table .row-link").first.click()
    page.get_by_role("link", name="Move staging", exact=True).click()
    return str(page.get_by_role("link", name="Roll out gradually").get_attribute("href"))


def named(route: str) -> str:
    """As Django tells it of a resolved path."""
    return route.replace("^", "")


@dataclass
class Sweep:
    """Of the pages whose paths match ``within``. ``faults``: what is wrong with those that were seen."""

    page: Page
    site: Site
    within: str
    widths: Collection[int] = (WIDE, NARROW)
    faults: list[str] = field(default_factory=list)
    seen: dict[str, set[str]] = field(default_factory=dict)
    routes: set[str] = field(default_factory=set)

    def check(self) -> None:
        """At the page as it is."""
        try:
            check_usable(self.page, widths=self.widths)
        except AssertionError as error:
            self.faults.append(str(error))

    def crawl(self, *starts: str) -> None:
        """Looks at whatever links lead to; of the same shape only at what has elements of another kind."""
        addresses = (urljoin(self.site.url, start) for start in starts)
        for found in crawl(self.page.request, *addresses, within=self.within):
            path = urlsplit(found.address).path
            seen = self.seen.setdefault(shape(path), set())
            if re.match(self.within, path) and not found.content <= seen:
                seen |= found.content
                self.routes.add(named(resolve(path).route))
                self.page.goto(found.address)
                self.check()

    def forgotten(self) -> set[str]:
        """Routes at which nobody was, although they answer somebody like ADMIN with a page."""
        routes = {route for route in all_routes() if re.match(self.within, path_of(route))}
        known = {*self.routes, *HELD_BY, *NO_PAGES}
        return {named(route) for route in routes if named(route) not in known and self._is_page(route)}

    def _is_page(self, route: str) -> bool:
        answer = self.page.request.get(self.site.url + path_of(route))
        is_refused = answer.status in (403, 405)
        is_other = LEAD_ON.match(route) or A_FILE.match(route)
        return not is_refused and "text/html" in answer.headers["content-type"] and not is_other


def test_every_page_of_the_admin_site_is_usable(page: Page, seeded: Site) -> None:
    # Django's own pages at the width at which they are used: they are many, and each look costs a second.
    sweep = Sweep(page, seeded, "/admin/", widths=(WIDE,))
    sweep.crawl("/admin/")
    assert (sweep.faults, sweep.forgotten()) == ([], set())


def test_every_page_of_accounts_is_usable_for_whoever_may_see_it(page: Page, seeded: Site) -> None:
    sweep = Sweep(page, seeded, ACCOUNTS)
    fill(page, f"{seeded.url}/people/invite/", email="edith@example.org")
    invitation = page.locator("main code").inner_text()
    sweep.check()
    fill(page, f"{seeded.url}/account/api-keys/add/", label="Weekly")
    expect(page.locator("main code").first).to_have_text(re.compile("^ais_"))
    sweep.check()
    page.goto(f"{seeded.url}/people/?q=nobody")
    sweep.check()
    sweep.crawl("/", "/people/", *BY_ADDRESS)
    page.goto(f"{seeded.url}/account/security/totp/")
    page.get_by_label("6-digit code").fill(code(page.locator("#totp-key").inner_text()))
    expect(page.get_by_text("Remove app")).to_be_visible()
    sweep.crawl(*AFTER_AN_APP)
    unasked = Sweep(page, seeded, sweep.within).forgotten()

    page.context.clear_cookies()
    log_in(page, seeded, ENGINEER)
    sweep.crawl("/", invitation)
    page.context.clear_cookies()
    sweep.crawl(*ENTRANCES, invitation, str(seeded.setup_link))
    assert (sweep.faults, unasked - sweep.routes) == ([], set())


def test_every_other_page_is_usable_for_whoever_may_see_it(page: Page, seeded: Site) -> None:
    sweep = Sweep(page, seeded, f"(?!/admin/|{ACCOUNTS})")
    sweep.crawl("/", "/chat/models/", "/api-docs/", "/telemetry/costs/budget/", "/telemetry/?status=failed")
    for state in STATES:
        page.goto(f"{seeded.url}{state}")
        sweep.check()
    sweep.crawl(rollout_form(page, seeded))
    forgotten = sweep.forgotten()
    page.context.clear_cookies()
    log_in(page, seeded, ENGINEER)
    sweep.crawl("/")
    assert (sweep.faults, forgotten) == ([], set())
