"""Inserting a prompt into a chat: which are offered, what is asked for, what is inserted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.models import Team, User
from accounts.sharing import Audience, Visibility
from prompts import services
from prompts.drafts import Draft, Variable
from prompts.models import PromptVersion

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
VARIABLES = (
    Variable("product", default="AISTRALE"),
    Variable("tone", "choice", choices=("brief", "friendly")),
    Variable("mail", "long_text", sample="Dear team"),
    Variable("limit", "number"),
)
MAIL = {"var-tone": "brief", "var-mail": "Help\n{{limit}}", "var-limit": "1.50", "insert": "1"}


def said(role: str, content: str) -> dict[str, str]:
    return {"type": "chatmessage", "role": role, "content": content}


BODY = [
    said("system", "You sort mail for {{product}}. Be {{tone}}."),
    said("user", "An example"),
    said("assistant", "An answer"),
    {"type": "placeholder", "name": "history"},
    said("user", "{{mail}} – at most {{limit}}"),
]


@pytest.fixture
def triage(alice: User, team: Team) -> PromptVersion:
    """Version 1 is in production, version 2 says something else. Alice's team reads them."""
    first = services.create_prompt(
        owner=alice,
        name="support/triage",
        type="chat",
        draft=Draft(BODY, VARIABLES, provider="echo", model="echo", parameters={"length": 12, "unknown": 1}),
        description="Sorts mail",
        audience=Audience(Visibility.TEAM, team),
        labels=["production"],
    )
    services.save_version(prompt=first.prompt, draft=Draft([said("user", "Sort {{mail}}")]), author=alice)
    return first


def picker(client: Client, q: str = "") -> str:
    return client.get(reverse("inference:prompt-picker"), {"q": q}, headers=HTMX).content.decode()


def url_of(version: PromptVersion) -> str:
    return reverse("inference:prompt-insert", args=[version.prompt_id])


def asked(client: Client, version: PromptVersion, /, **data: str) -> Any:
    return client.post(url_of(version), data, headers=HTMX)


def inserted(client: Client, version: PromptVersion, /, **data: str) -> str:
    response = client.post(url_of(version), MAIL | data, headers=HTMX)
    assert response.status_code == 200
    return str(response.content.decode())


def test_it_offers_current_prompts_that_the_user_may_read(
    alice: User, bob: User, charlie: User, triage: PromptVersion, client_of: ClientOf
) -> None:
    old = services.create_prompt(owner=alice, name="old", type="text", draft=Draft("Old"))
    services.update_prompt(prompt=old.prompt, actor=alice, is_archived=True)
    assert "support/triage" in picker(client_of(alice)) and "support/triage" in picker(client_of(bob))
    assert ">old<" not in picker(client_of(alice))
    assert "No prompts yet." in picker(client_of(charlie))


@pytest.mark.parametrize(("query", "is_found"), [("TRIAGE sorts", True), ("triage slogan", False)])
def test_it_searches_each_word(
    alice: User, triage: PromptVersion, client_of: ClientOf, query: str, is_found: bool
) -> None:
    page = picker(client_of(alice), query)
    assert ("support/triage" in page) is is_found
    assert ("No prompts match" in page) is not is_found


def test_it_swaps_the_list_alone_while_one_types(alice: User, triage: PromptVersion, client_of: ClientOf) -> None:
    headers = HTMX | {"HX-Target": "prompt-options"}
    page = client_of(alice).get(reverse("inference:prompt-picker"), {"q": "tri"}, headers=headers).content.decode()
    assert "support/triage" in page and "prompt-filter" not in page


def test_it_hides_prompts_without_versions(alice: User, client_of: ClientOf) -> None:
    version = services.create_prompt(owner=alice, name="empty", type="text", draft=Draft("Gone"))
    services.delete_version(version=version, actor=alice)
    assert "No prompts yet." in picker(client_of(alice))
    assert client_of(alice).get(url_of(version), headers=HTMX).status_code == 404


def test_it_answers_a_stranger_as_if_there_were_no_such_prompt(
    charlie: User, triage: PromptVersion, client_of: ClientOf
) -> None:
    client = client_of(charlie)
    assert client.get(url_of(triage), headers=HTMX).status_code == 404
    missing = reverse("inference:prompt-insert", args=[uuid4()])
    assert client.get(missing, headers=HTMX).status_code == 404


def test_it_begins_with_production_and_asks_for_its_variables(
    alice: User, triage: PromptVersion, client_of: ClientOf
) -> None:
    page = client_of(alice).get(url_of(triage), headers=HTMX).content.decode()
    assert '<option value="label:production" selected>production (v1)</option>' in page
    for text in ('placeholder="AISTRALE"', 'placeholder="Example: Dear team"', '<option value="friendly">', "Choose…"):
        assert text in page
    assert "Not inserted: Message 2 (user), Message 3 (assistant), Placeholder “history”." in page


def test_it_begins_with_the_latest_version_where_none_is_in_production(
    alice: User, triage: PromptVersion, client_of: ClientOf
) -> None:
    services.move_label(prompt=triage.prompt, label="production", to=None, actor=alice)
    page = client_of(alice).get(url_of(triage), headers=HTMX).content.decode()
    assert '<option value="label:latest" selected>latest (v2)</option>' in page


def test_another_version_keeps_what_was_written(alice: User, triage: PromptVersion, client_of: ClientOf) -> None:
    page = asked(client_of(alice), triage, version="version:2", **{"var-mail": "Help"}).content.decode()
    assert 'name="var-mail" value="Help"' in page
    assert "var-tone" not in page


def test_it_fills_in_system_prompt_and_message(alice: User, triage: PromptVersion, client_of: ClientOf) -> None:
    page = inserted(client_of(alice), triage)
    assert "data-system>\nYou sort mail for AISTRALE. Be brief.</textarea>" in page
    # A value that looks like a variable is none.
    assert "data-text>\nHelp\n{{limit}} – at most 1.50</textarea>" in page
    assert f'data-prompt="{triage.prompt_id}" data-version="1" data-name="support/triage"' in page


def test_it_gives_the_number_of_the_version_that_a_label_means(
    alice: User, triage: PromptVersion, client_of: ClientOf
) -> None:
    page = inserted(client_of(alice), triage, version="label:latest")
    assert 'data-version="2"' in page and "data-system" not in page


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("var-mail", "", "This field is required."),
        ("var-limit", "many", "Enter a number, such as 2.5."),
        ("var-limit", "nan", "Enter a number, such as 2.5."),
        ("var-tone", "rude", "Select a valid choice."),
        ("var-mail", "x" * 200_001, "at most 200000 characters"),
    ],
)
def test_it_says_at_the_field_what_is_wrong(
    alice: User, triage: PromptVersion, client_of: ClientOf, field: str, value: str, complaint: str
) -> None:
    response = asked(client_of(alice), triage, **(MAIL | {field: value}))
    assert response.status_code == 422
    assert complaint in response.content.decode()
    assert "1.50" in response.content.decode() or field == "var-limit"


@pytest.mark.parametrize(
    "version", ["version:9", "label:none", "version:", "nonsense", "label:\0", "version:²", "version:" + "9" * 99]
)
def test_it_refuses_a_version_that_there_is_not(
    alice: User, triage: PromptVersion, client_of: ClientOf, version: str
) -> None:
    response = asked(client_of(alice), triage, version=version, **MAIL)
    assert response.status_code == 422
    assert "Choose another version." in response.content.decode()


def test_it_inserts_what_is_included_and_asks_for_its_variables(alice: User, client_of: ClientOf) -> None:
    services.create_prompt(owner=alice, name="tone", type="text", draft=Draft("Be {{tone}}."), labels=["production"])
    text = "@@@langfusePrompt:name=tone|label=production@@@ Go."
    version = services.create_prompt(owner=alice, name="all", type="text", draft=Draft(text))
    page = asked(client_of(alice), version, **{"var-tone": "brief", "insert": "1"}).content.decode()
    assert "data-text>\nBe brief. Go.</textarea>" in page


def test_it_says_what_an_include_lacks(alice: User, bob: User, team: Team, client_of: ClientOf) -> None:
    services.create_prompt(owner=alice, name="tone", type="text", draft=Draft("Be brief."), labels=["production"])
    text = "@@@langfusePrompt:name=tone|label=production@@@"
    audience = Audience(Visibility.TEAM, team)
    version = services.create_prompt(owner=alice, name="all", type="text", draft=Draft(text), audience=audience)
    page = client_of(bob).get(url_of(version), headers=HTMX).content.decode()
    assert "there is no such prompt, version or label" in page
    assert 'name="insert" value="1" disabled' in page


def test_it_offers_the_model_with_the_parameters_that_it_takes(
    alice: User, triage: PromptVersion, client_of: ClientOf
) -> None:
    client = client_of(alice)
    assert "Use its model, Sandbox echo" in client.get(url_of(triage), headers=HTMX).content.decode()
    page = inserted(client, triage, use_model="on")
    assert 'data-provider="echo" data-model="echo"' in page
    assert 'data-parameter="param-length">\n12</textarea>' in page and "unknown" not in page
    assert "data-model-option" not in inserted(client, triage)


def test_it_says_why_a_model_cannot_be_used(alice: User, client_of: ClientOf) -> None:
    draft = Draft("Hi", provider="openai", model="gpt-4o")
    version = services.create_prompt(owner=alice, name="hi", type="text", draft=draft)
    client = client_of(alice)
    assert "No key yet." in client.get(url_of(version), headers=HTMX).content.decode()
    assert "data-model-option" not in asked(client, version, insert="1", use_model="on").content.decode()


def test_it_escapes_texts(alice: User, client_of: ClientOf) -> None:
    hostile = '</textarea><img src=x onerror="alert(1)">'
    version = services.create_prompt(owner=alice, name="x", type="text", draft=Draft(hostile), description=hostile)
    page = asked(client_of(alice), version, insert="1").content.decode()
    assert escape(hostile) in page and "<img" not in page + picker(client_of(alice))


def test_addresses_lead_to_pages_without_scripts(alice: User, triage: PromptVersion, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert client.get(reverse("inference:prompt-picker"))["Location"] == reverse("prompts:prompt-list")
    assert client.get(url_of(triage))["Location"] == triage.prompt.get_absolute_url()
