"""The Big List of Naughty Strings through every text field of every form, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from aistrale.tests.end_to_end.browser import Site, add_administrator, log_in
from aistrale.tests.end_to_end.crawl import forms_from, shape
from aistrale.tests.end_to_end.seed import confirm, furnish
from aistrale.tests.end_to_end.test_account_pages import add_passkey, enter, person
from aistrale.tests.end_to_end.test_naughty_strings import STRINGS, watch

# Those with markup first: there are more strings than fields. All of them are in the question below.
ORDERED = sorted(STRINGS, key=lambda string: "<" not in string)
# Far from the first page: what leads to them leads to whatever is new. All forms that are found are filled in.
FAR = {
    "/account/teams/<id>/rename/: name",
    "/admin/telemetry/priceoverride/add/: model provider valid_from_0 valid_from_1",
    "/backtests/add/: model parameters",
    "/people/<id>/erase/: email",
    "/search/: endpoint least_cost model most_cost q user",
    "/prompts/<id>/examples/add/: name value-ticket",
    "/prompts/webhooks/add/: labels name name_prefix url",
    "/tokens/<id>/replace/: secret",
}
# Sent by scripts: see the tests below. Those of chats are one form on two pages, and one that edits a question.
BY_SCRIPT = {
    *("/chat/: system text", "/chat/<id>/: system text", "/chat/: text", "/chat/<id>/: text"),
    "/account/security/passkeys/add/: name",
}
# Never shown again, forgotten with what they are to find, or for password managers alone.
SECRET = {"username", "password", "repeated", "password1", "password2", "secret", "code"}
FILL = """([names, strings]) => {
  const form = [...document.forms].find((one) => names.every((name) => name in one.elements))
  names.forEach((name, number) => { form.elements[name].value = strings[number] })
  form.noValidate = true
  const values = names.map((name) => form.elements[name].value)
  form.requestSubmit(form.querySelector("button:not([type=button]), input[type=submit]"))
  return values
}"""
BY_HTMX = """(names) => {
  const form = [...document.forms].find((one) => names.every((name) => name in one.elements))
  return form.matches("[hx-get], [hx-post]")
}"""
SEEN = """() => ({
  values: [...document.querySelectorAll("input, textarea")].map((field) => field.value),
  text: document.body.textContent,
  refused: [...document.querySelectorAll("[aria-invalid=true]")].map((field) => field.name),
})"""


def send(page: Page, names: list[str], strings: list[str]) -> list[str]:
    """Fills and sends the form with these fields; gives those whose text is neither shown nor refused at the field."""
    with page.expect_event("response" if page.evaluate(BY_HTMX, names) else "load"):
        values = page.evaluate(FILL, [names, strings])
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    seen: dict[str, Any] = page.evaluate(SEEN)
    shown = [*map(squeezed, seen["values"]), squeezed(seen["text"])]
    lost = [name for name, value in zip(names, values, strict=True) if not any(squeezed(value) in one for one in shown)]
    return [name for name in lost if name not in SECRET and name not in seen["refused"]]


def squeezed(text: str) -> str:
    return " ".join(text.split())


def send_next(page: Page, address: str, names: list[str], strings: Iterator[str]) -> list[str]:
    page.goto(address, wait_until="domcontentloaded")
    sent = [next(strings) for _ in names]
    return [f"{shape(address)} {name}: {sent}" for name in send(page, names, sent)]


def test_every_field_shows_naughty_strings_as_they_are_or_refuses_them(page: Page, fresh_site: Site) -> None:
    site, strings = fresh_site, cycle(ORDERED)
    seen = watch(page, site.url)
    assert site.setup_link
    lost = send_next(page, site.setup_link, ["name", "email", "password", "repeated"], strings)
    add_administrator(site)
    lost += send_next(page, f"{site.url}/login/", ["login", "password"], strings)
    log_in(page, site)
    confirm(page, site)
    invitation = furnish(page, site)
    found = forms_from(page.request, f"{site.url}/")
    assert set(found) >= FAR | BY_SCRIPT
    for form in sorted(set(found) - BY_SCRIPT):
        lost += send_next(page, found[form], form.partition(": ")[2].split(), strings)
    page.context.clear_cookies()
    lost += send_next(page, invitation, ["name", "password", "repeated"], strings)
    assert (seen, lost) == ([], [])


def test_a_question_shows_naughty_strings_as_they_are(page: Page, site: Site) -> None:
    seen = watch(page, site.url)
    log_in(page, site)
    page.goto(f"{site.url}/chat/?provider=echo&model=echo")
    text = "\n\n".join(STRINGS).strip()
    page.locator("#id_system").evaluate("(field, text) => { field.value = text }", text[:40_000])
    page.locator("#id_text").fill(text)
    page.locator("#id_text").press("Control+Enter")
    expect(page.locator(".question-text")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator('[data-status="stopped"]').wait_for()
    assert page.locator(".question-text").evaluate("(question, text) => question.textContent.trim() === text", text)
    page.locator(".question").get_by_role("button", name="Edit").click()
    page.get_by_label("Question", exact=True).fill(f"{text}\n\nAnd once more")
    page.get_by_role("button", name="Send as new branch").click()
    expect(page.locator(".question-text")).to_contain_text("And once more")
    page.keyboard.press("Escape")
    page.locator('[data-status="stopped"]').wait_for()
    page.reload()
    is_text = "(question, text) => question.textContent.trim() === text"
    assert page.locator(".question-text").evaluate(is_text, f"{text}\n\nAnd once more")
    assert page.locator("#id_system").evaluate("(field, text) => field.value.trim() === text.trim()", text[:40_000])
    assert seen == []


@pytest.mark.usefixtures("authenticator")
def test_a_passkey_shows_its_naughty_name(page: Page, site: Site, by_name: str) -> None:
    seen, name = watch(page, by_name), ORDERED[0][:100]
    enter(page, by_name, person(site, "naughty"))
    add_passkey(page, by_name, name)
    page.get_by_role("link", name="I've saved them").click()
    expect(page.locator("main")).to_contain_text(name)
    rename = page.get_by_role("link", name="Rename").get_attribute("href")
    strings = iter(ORDERED[1:9])
    lost = [lost for _ in range(8) for lost in send_next(page, f"{by_name}{rename}", ["name"], strings)]
    assert (seen, lost) == ([], [])
