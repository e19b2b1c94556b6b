from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.sharing import EVERYONE, PRIVATE
from audit.models import AuditEvent
from tokens import services
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.tests.conftest import SECRET

Make = Callable[..., ProviderToken]
ClientOf = Callable[[User], Client]
BAD = "bad-canary-4Tz8Yw1VuS6mQe"

pytestmark = pytest.mark.usefixtures("fake_checker")


def url(name: str, token: ProviderToken) -> str:
    return reverse(f"tokens:token-{name}", args=[token.pk])


def text(response: Any) -> str:
    return str(response.content.decode())


def add(client: Client, **fields: str) -> Any:
    data = {"provider": "openai", "label": "Main", "secret": SECRET, **fields}
    return client.post(reverse("tokens:token-add"), data)


def test_it_adds_a_tested_token(client_of: ClientOf, alice: User) -> None:
    response = add(client_of(alice))
    assert response.status_code == 302
    token = ProviderToken.objects.get()
    assert (token.owner, token.state) == (alice, TokenState.WORKING)
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET


@pytest.mark.parametrize("prefix", ["bad", "poor", "far"])
def test_it_does_not_save_what_fails_the_test(prefix: str, client_of: ClientOf, alice: User) -> None:
    response = add(client_of(alice), secret=f"{prefix}-secret-0123456789")
    assert response.status_code == 422 and not ProviderToken.objects.exists()


def test_it_shows_the_refusal_as_text_and_keeps_the_other_input(client_of: ClientOf, alice: User) -> None:
    page = text(add(client_of(alice), secret=BAD, label="My budget"))
    assert "OpenAI refused this key" in page and "&lt;b&gt;Incorrect&lt;/b&gt;" in page
    assert 'value="My budget"' in page


def test_it_never_returns_the_secret_after_an_error(client_of: ClientOf, alice: User) -> None:
    assert BAD not in text(add(client_of(alice), secret=BAD))
    assert SECRET not in text(add(client_of(alice), label=""))


def test_it_saves_untested_when_asked_to(client_of: ClientOf, alice: User) -> None:
    add(client_of(alice), secret=BAD, untested="1")
    assert ProviderToken.objects.get().state == TokenState.UNTESTED


@pytest.mark.parametrize(
    "fields", [{"provider": "echo"}, {"provider": "x"}, {"label": " "}, {"secret": ""}, {"secret": "two words"}]
)
def test_it_refuses_a_form_with(fields: dict[str, str], client_of: ClientOf, alice: User) -> None:
    assert add(client_of(alice), **fields).status_code == 422
    assert not ProviderToken.objects.exists()


def test_it_ignores_fields_that_an_engineer_does_not_have(client_of: ClientOf, alice: User, bob: User) -> None:
    add(client_of(alice), base_url="https://evil.example.org", audience="everyone", owner=str(bob.pk), is_default="")
    token = ProviderToken.objects.get()
    assert (token.owner, token.base_url, token.audience) == (alice, "", PRIVATE)


def test_it_lets_an_administrator_set_base_url_and_share(client_of: ClientOf, admin: User) -> None:
    add(client_of(admin), base_url="https://llm.example.org/v1", audience="everyone")
    token = ProviderToken.objects.get()
    assert (token.base_url, token.audience) == ("https://llm.example.org/v1", EVERYONE)


def test_it_refuses_a_base_url_without_tls(client_of: ClientOf, admin: User) -> None:
    assert "Only https" in text(add(client_of(admin), base_url="http://llm.example.org/v1"))


def test_it_lists_own_and_shared_tokens(
    client_of: ClientOf, alice: User, bob: User, admin: User, token_of: Make
) -> None:
    token_of(alice, label="Mine")
    token_of(bob, label="Of Bob")
    token_of(admin, label="For all", audience=EVERYONE)
    page = text(client_of(alice).get("/tokens/"))
    assert "Mine" in page and "For all" in page and "Of Bob" not in page


def test_it_shows_a_mask_and_no_secret(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    page = text(client_of(alice).get("/tokens/"))
    assert "sk-c…0pR2" in page and SECRET not in page


def test_it_offers_to_add_a_token_where_there_is_none(client_of: ClientOf, alice: User) -> None:
    assert "No provider keys yet" in text(client_of(alice).get("/tokens/"))


def test_it_offers_no_changes_of_a_token_shared_by_another(
    client_of: ClientOf, alice: User, admin: User, token_of: Make
) -> None:
    shared = token_of(admin, audience=EVERYONE)
    assert url("delete", shared) not in text(client_of(alice).get("/tokens/"))
    assert client_of(alice).get(url("edit", shared)).status_code == 404


def test_it_lets_administrators_look_after_shared_tokens(client_of: ClientOf, admin: User, token_of: Make) -> None:
    shared = token_of(admin, audience=EVERYONE)
    other = User.objects.create_superuser("other@example.org", "correct horse battery")
    assert client_of(other).get(url("edit", shared)).status_code == 200


def test_it_marks_what_expires_soon_or_is_unused(client_of: ClientOf, alice: User, token_of: Make) -> None:
    token_of(alice, expires_at=timezone.now() + timedelta(days=13))
    long_ago = timezone.now() - timedelta(days=91)
    ProviderToken.objects.filter(pk=token_of(alice).pk).update(created_at=long_ago)
    page = text(client_of(alice).get("/tokens/"))
    assert page.count("Expires soon") == 1 and page.count("Unused for 90 days") == 1


def test_it_shows_an_unreadable_token_beside_the_others(
    client_of: ClientOf, alice: User, token_of: Make, token: ProviderToken
) -> None:
    token_of(alice, label="Healthy")
    ProviderToken.objects.filter(pk=token.pk).update(secret=bytes(token.secret)[:-1] + b"x")
    page = text(client_of(alice).get("/tokens/"))
    assert page.count(">Needs re-entry</span>") == 1 and "Healthy" in page


def test_it_tests_a_stored_token(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    response = client_of(alice).post(url("check", token))
    token.refresh_from_db()
    assert response.status_code == 302 and token.state == TokenState.WORKING


def test_it_answers_htmx_with_the_table_alone(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    page = text(client_of(alice).post(url("check", token), headers={"HX-Request": "true"}))
    assert page.lstrip().startswith('<ul id="tokens"') and "<html" not in page
    assert "Working (tested in 7 ms)" in page


def test_it_says_so_when_a_stored_token_is_refused(client_of: ClientOf, alice: User, token_of: Make) -> None:
    token = token_of(alice, secret=BAD)
    page = text(client_of(alice).post(url("check", token), headers={"HX-Request": "true"}))
    assert "Refused" in page and "Incorrect" in page and BAD not in page


def test_it_asks_for_the_secret_of_an_unreadable_token(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    ProviderToken.objects.filter(pk=token.pk).update(secret=bytes(token.secret)[:-1] + b"x")
    page = text(client_of(alice).post(url("check", token), headers={"HX-Request": "true"}))
    assert "Enter the key again" in page


def test_it_makes_another_token_the_default(client_of: ClientOf, alice: User, token_of: Make) -> None:
    token_of(alice)
    second = token_of(alice)
    client_of(alice).post(url("default", second))
    second.refresh_from_db()
    assert second.is_default


def test_it_replaces_a_secret_that_passes_its_test(
    confirmed_client_of: ClientOf, alice: User, token: ProviderToken
) -> None:
    client = confirmed_client_of(alice)
    assert client.post(url("replace", token), {"secret": BAD}).status_code == 422
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET
    assert client.post(url("replace", token), {"secret": "good-0123456789abcdef"}).status_code == 302
    assert services.open_token(token_id=token.pk, actor=alice) == "good-0123456789abcdef"


def test_it_asks_who_one_is_before_a_secret_is_replaced(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    client = client_of(alice)
    for ask in (client.get, client.post):
        response = ask(url("replace", token), {"secret": "good-0123456789abcdef"})
        assert response["Location"].startswith("/account/confirm/?next=")
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET


def test_it_asks_who_one_is_before_a_secret_goes_to_another_server(
    client_of: ClientOf, admin: User, token_of: Make
) -> None:
    data = {"label": "Main", "base_url": "https://llm.example.org/v1", "secret": "good-0123456789abcdef"}
    response = client_of(admin).post(url("edit", token_of(admin)), data)
    assert response["Location"].startswith("/account/confirm/")
    assert ProviderToken.objects.get().base_url == ""


def test_it_renames_a_token_without_its_secret(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    client_of(alice).post(url("edit", token), {"label": "Renamed", "expires_at": "2031-05-06"})
    token.refresh_from_db()
    assert token.label == "Renamed" and token.expires_at is not None and token.expires_at.year == 2031
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET


def test_it_asks_for_the_secret_with_a_new_base_url(confirmed_client_of: ClientOf, admin: User, token_of: Make) -> None:
    token = token_of(admin)
    data = {"label": "Main", "base_url": "https://llm.example.org/v1"}
    client = confirmed_client_of(admin)
    assert "Enter the key again" in text(client.post(url("edit", token), data))
    assert client.post(url("edit", token), {**data, "secret": "good-0123456789abcdef"}).status_code == 302


def test_it_deletes_only_when_the_name_is_typed(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    client = client_of(alice)
    assert client.post(url("delete", token), {"name": "main"}).status_code == 422
    assert client.post(url("delete", token), {"name": "Main"}).status_code == 302
    assert not ProviderToken.objects.exists()


def test_it_opens_the_delete_question_in_the_dialog(client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    fragment = text(client_of(alice).get(url("delete", token), headers={"HX-Request": "true"}))
    assert "<html" not in fragment and "Delete “Main”?" in fragment and SECRET[-4:] in fragment


GET_PAGES = ["edit", "replace", "delete"]
POST_PAGES = [*GET_PAGES, "check", "default"]


@pytest.mark.parametrize("name", GET_PAGES)
def test_it_shows_the_owner(name: str, confirmed_client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    page = confirmed_client_of(alice).get(url(name, token))
    assert page.status_code == 200 and SECRET not in text(page)


@pytest.mark.parametrize("name", POST_PAGES)
def test_it_answers_a_stranger_as_for_a_missing_token(
    name: str, client_of: ClientOf, charlie: User, token: ProviderToken
) -> None:
    client = client_of(charlie)
    missing = client.post(reverse(f"tokens:token-{name}", args=[uuid.uuid4()]))
    refused = client.post(url(name, token), {"name": "Main", "label": "x", "secret": "x", "untested": "1"})
    assert refused.status_code == missing.status_code == 404
    assert text(refused).replace(refused.request["PATH_INFO"], "")[:200] == text(missing)[:200]
    assert ProviderToken.objects.get().label == "Main"


@pytest.mark.parametrize("name", POST_PAGES)
def test_it_sends_the_anonymous_to_the_log_in(name: str, client: Client, token: ProviderToken) -> None:
    response = client.post(url(name, token))
    assert response.status_code == 302 and response["Location"].startswith("/login/")


@pytest.mark.parametrize("path", ["/tokens/", "/tokens/add/"])
def test_it_shows_the_anonymous_no_list(path: str, client: Client, db: None) -> None:
    assert client.get(path)["Location"].startswith("/login/")


@pytest.mark.parametrize("name", ["check", "default"])
def test_it_changes_nothing_by_get(name: str, client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    assert client_of(alice).get(url(name, token)).status_code == 405


@pytest.mark.parametrize("name", POST_PAGES)
def test_it_refuses_other_methods(name: str, client_of: ClientOf, alice: User, token: ProviderToken) -> None:
    assert client_of(alice).put(url(name, token)).status_code == 405


def test_it_refuses_a_post_to_the_list(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).post("/tokens/").status_code == 405


def test_it_writes_no_secret_into_the_audit_log(confirmed_client_of: ClientOf, alice: User) -> None:
    client = confirmed_client_of(alice)
    add(client)
    add(client, secret=BAD)
    token = ProviderToken.objects.get()
    client.post(url("check", token))
    client.post(url("replace", token), {"secret": BAD, "untested": "1"})
    client.post(url("check", token))
    client.post(url("delete", token), {"name": "Main"})
    events = AuditEvent.objects.select_related("details")
    written = " ".join(f"{event.body} {event.details.content}" for event in events)
    assert events.count() >= 7 and SECRET not in written and BAD not in written


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Work", "Spare", "Theirs"]),
        ("q=spa", ["Spare"]),
        ("provider=mistral", ["Spare"]),
        ("provider=nonsense", []),
        ("state=untested", ["Work", "Spare"]),
        ("state=working", ["Theirs"]),
        ("owner=shared", ["Theirs"]),
        ("owner=mine&state=working", []),
    ],
)
def test_its_list_is_narrowed_down(
    client_of: ClientOf, token_of: Make, alice: User, admin: User, query: str, expected: list[str]
) -> None:
    token_of(alice, label="Work")
    token_of(alice, label="Spare", provider="mistral")
    theirs = token_of(admin, label="Theirs", audience=EVERYONE)
    ProviderToken.objects.filter(pk=theirs.pk).update(state=TokenState.WORKING)
    response = client_of(alice).get(f"/tokens/?{query}")
    assert sorted(row.token.label for row in response.context["rows"]) == sorted(expected)
    assert ("Clear filters" in text(response)) == bool(query)


def test_a_test_keeps_the_filters_of_the_list(client_of: ClientOf, token_of: Make, alice: User) -> None:
    token_of(alice, label="Work")
    spare = token_of(alice, label="Spare", provider="mistral")
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/tokens/?provider=mistral"}
    page = text(client_of(alice).post(url("check", spare), headers=headers))
    assert "<strong>Spare</strong>" in page and "<strong>Work</strong>" not in page
