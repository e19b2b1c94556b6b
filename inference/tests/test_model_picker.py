from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.sharing import EVERYONE
from audit.models import AuditEvent
from inference.chat.picker.choices import choice_of
from inference.chat.picker.groups import Group, endpoints_of, list_groups
from inference.models import Conversation, FavouriteModel
from inference.templatetags.chat import short_tokens, unit_price
from inference.tests.fake_provider import MODELS, FakeProvider, Script, as_json
from telemetry.models import PriceOverride
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.services import add_token

ClientOf = Callable[[User], Client]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token(alice: User, fake: FakeProvider, settings: Settings) -> ProviderToken:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    return token_with(alice, fake, "sk-good-1234")


def token_with(owner: User, fake: FakeProvider, secret: str) -> ProviderToken:
    url = fake.base_url("openai")
    return add_token(owner=owner, actor=None, provider="openai", label="Work", secret=secret, base_url=url)


def group(user: User, provider: str = "openai", *, refresh: bool = False) -> Group:
    return next(group for group in list_groups(user, refresh=refresh) if group.provider == provider)


def test_it_lists_what_the_provider_lists(alice: User, token: ProviderToken) -> None:
    assert [choice.id for choice in group(alice).choices] == sorted(MODELS)


def test_it_asks_a_provider_once_an_hour(alice: User, token: ProviderToken, fake: FakeProvider) -> None:
    group(alice)
    group(alice)
    assert len(fake.exchanges) == 1


def test_it_asks_anew_when_told_to(alice: User, token: ProviderToken, fake: FakeProvider) -> None:
    group(alice)
    group(alice, refresh=True)
    assert len(fake.exchanges) == 2


def test_it_says_why_there_is_no_list_without_the_secret(alice: User, fake: FakeProvider, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    token_with(alice, fake, "bad-canary-5678")
    found = group(alice)
    assert found.error
    assert "bad-canary-5678" not in found.error
    assert not found.disabled_reason


def test_it_lists_the_sandbox_without_a_token(alice: User) -> None:
    [choice] = group(alice, "echo").choices
    assert (choice.id, choice.context_tokens, choice.input_price) == ("echo", 100_000, Decimal(0))


def test_it_lists_no_provider_without_a_key(alice: User) -> None:
    assert [found.provider for found in list_groups(alice)] == ["echo"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": TokenState.REFUSED}, "The provider refused the key “Work”."),
        ({"state": TokenState.NEEDS_REENTRY}, "The key “Work” has to be entered again."),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "The key “Work” has expired."),
    ],
)
def test_it_says_what_is_wrong_with_a_token(
    alice: User, token: ProviderToken, changes: dict[str, object], reason: str
) -> None:
    ProviderToken.objects.filter(pk=token.pk).update(**changes)
    assert group(alice).disabled_reason == reason


def test_it_does_not_use_a_strangers_token(charlie: User, token: ProviderToken, fake: FakeProvider) -> None:
    assert [found.provider for found in list_groups(charlie)] == ["echo"]
    assert fake.exchanges == []


def test_it_prefers_a_price_of_our_own(alice: User) -> None:
    PriceOverride.objects.create(
        provider="openai",
        model="gpt-4o",
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        input_price=7,
        cache_read_price=1,
        cache_write_price=1,
        output_price=9,
    )
    choice = choice_of(alice, "openai", "gpt-4o")
    assert (choice.input_price, choice.output_price) == (Decimal(7), Decimal(9))


def test_it_tells_price_and_size_also_by_way_of_a_gateway(alice: User, token: ProviderToken) -> None:
    choice = choice_of(alice, "openai", "gpt-4o")
    assert token.base_url and choice.prices and choice.context_tokens


def test_it_tells_nothing_of_a_like_named_model_at_another_provider(alice: User, token: ProviderToken) -> None:
    ProviderToken.objects.filter(pk=token.pk).update(base_url="https://api.deepseek.com/v1")
    choice = choice_of(alice, "openai", "gpt-4o")
    assert (choice.prices, choice.context_tokens) == (None, None)


def test_it_shows_the_list_as_a_page(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    page = client_of(alice).get(reverse("inference:model-list")).content.decode()
    assert "fake-large" in page
    assert "<html" in page


def test_the_dialog_asks_each_endpoint_by_itself(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    """One that does not answer holds up none of the others."""
    client, hx = client_of(alice), {"HX-Request": "true"}
    url = reverse("inference:endpoint-models", args=[token.pk])
    pending = client.get(reverse("inference:model-list"), headers=hx).content.decode()
    assert f'hx-get="{url}" hx-trigger="load"' in pending and "fake-large" not in pending
    assert 'data-model="fake-large"' in client.get(url, headers=hx).content.decode()
    assert 'data-model="fake-large"' in client.get(reverse("inference:model-list"), headers=hx).content.decode()


def test_a_refresh_asks_all_endpoints_anew(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    client, hx = client_of(alice), {"HX-Request": "true"}
    group(alice)
    assert "Loading…" in client.post(reverse("inference:model-list"), headers=hx).content.decode()


def test_an_endpoint_that_fails_keeps_its_place_and_offers_a_retry(
    alice: User, token: ProviderToken, fake: FakeProvider, client_of: ClientOf
) -> None:
    fake.script("", as_json({"error": {"message": "Out of order"}}))
    url = reverse("inference:endpoint-models", args=[token.pk])
    page = client_of(alice).get(url, headers={"HX-Request": "true"}).content.decode()
    assert "Out of order" in page and f'hx-post="{url}"' in page and "Work" in page
    assert "data-free" in page


def test_strangers_find_no_endpoint(charlie: User, token: ProviderToken, client_of: ClientOf) -> None:
    url = reverse("inference:endpoint-models", args=[token.pk])
    assert client_of(charlie).get(url, headers={"HX-Request": "true"}).status_code == 404


def test_it_refreshes_by_a_form_too(alice: User, token: ProviderToken, fake: FakeProvider, client_of: ClientOf) -> None:
    group(alice)
    response = client_of(alice).post(reverse("inference:model-list"), follow=True)
    assert response.redirect_chain[0][0] == reverse("inference:model-list")
    assert len(fake.exchanges) == 2


def test_it_keeps_the_chat_page_from_a_list_of_nonsense(
    alice: User, token: ProviderToken, fake: FakeProvider, client_of: ClientOf
) -> None:
    entries = [{"id": "same", "context_window": 5}, {"id": "same"}, {"id": None}, None, 7, {}, {"id": ["x"]}, "bare"]
    fake.script("", as_json({"object": "list", "data": entries}))

    assert [choice.id for choice in group(alice).choices] == ["bare", "same"]
    assert client_of(alice).get(reverse("inference:model-list")).status_code == 200


def test_it_says_what_is_wrong_with_a_list_and_lists_the_others(
    alice: User, token: ProviderToken, fake: FakeProvider
) -> None:
    fake.script("", as_json({"error": {"message": "Key expired"}}))

    groups = {group.provider: group for group in list_groups(alice)}

    assert (groups["openai"].choices, groups["openai"].error) == ([], "Key expired")
    assert [choice.id for choice in groups["echo"].choices] == ["echo"]


def test_it_gives_up_on_a_million_models_without_losing_the_others(
    alice: User, token: ProviderToken, fake: FakeProvider
) -> None:
    fake.script("", Script((b'{"data": [', *[b'{"id": "model"},' * 40_000] * 25), content_type="application/json"))

    groups = {group.provider: group for group in list_groups(alice)}

    assert (groups["openai"].choices, groups["openai"].error) == ([], "The provider sent more than 8,000,000 bytes.")
    assert [choice.id for choice in groups["echo"].choices] == ["echo"]


def test_keys_of_one_provider_stand_side_by_side(alice: User, fake: FakeProvider, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    url = fake.base_url("compatible")
    for label in ("vLLM gpu-1", "Ollama"):
        add_token(owner=alice, actor=None, provider="compatible", label=label, secret="", base_url=url)
    for label in ("Main", "Team budget"):
        add_token(owner=alice, actor=None, provider="anthropic", label=label, secret="sk-ant-0123456789")
    found = [(one.name, one.note) for one in endpoints_of(alice)]
    host = url.removeprefix("http://").partition("/")[0]
    assert found == [
        ("Anthropic", "Main"),
        ("Anthropic", "Team budget"),
        ("vLLM gpu-1", host),
        ("Ollama", host),
        ("Sandbox", "offline, free"),
    ]


def test_it_says_whose_key_an_endpoint_is(alice: User, bob: User, fake: FakeProvider) -> None:
    add_token(owner=bob, actor=None, provider="groq", label="Ours", secret="gsk_0123456789", audience=EVERYONE)
    assert endpoints_of(alice)[0].note == f"shared by {bob.get_full_name()}"


def test_it_begins_with_models_that_chat(alice: User, token: ProviderToken, fake: FakeProvider) -> None:
    names = ["whisper-1", "aaa-embed", "gpt-4o"]
    fake.script("", as_json({"data": [{"id": name} for name in names]}))
    found = group(alice)
    assert {choice.id: choice.chats for choice in found.choices} == {
        "aaa-embed": False,
        "gpt-4o": True,
        "whisper-1": False,
    }
    assert (found.others, found.suggested) == (2, "gpt-4o")


def test_what_a_list_tells_goes_before_the_name(alice: User, token: ProviderToken, fake: FakeProvider) -> None:
    told = {"supported_parameters": ["tools"], "architecture": {"output_modalities": ["text"], "input_modalities": []}}
    fake.script("", as_json({"data": [{"id": "o9-embed", **told}]}))
    [choice] = group(alice).choices
    assert (choice.chats, choice.tools, choice.reasons, choice.sees) == (True, True, False, False)


def test_favourites_and_recent_models_come_first(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    client, hx = client_of(alice), {"HX-Request": "true"}
    Conversation.objects.create(owner=alice, title="Old", provider="openai", model="fake-small", token_id=token.pk)
    star = {"provider": "openai", "model": "fake-large", "endpoint": str(token.pk)}
    page = client.post(reverse("inference:model-favourite"), star, headers=hx).content.decode()
    assert page.index("Favourites") < page.index("fake-large") < page.index("Recent") < page.index("fake-small")
    assert AuditEvent.objects.filter(action="inference:model:favourite").count() == 1
    page = client.post(reverse("inference:model-favourite"), star, headers=hx).content.decode()
    assert "Favourites" not in page and not FavouriteModel.objects.exists()


def test_a_favourite_is_its_users_own(alice: User, charlie: User, token: ProviderToken, client_of: ClientOf) -> None:
    star = {"provider": "openai", "model": "fake-large", "endpoint": str(token.pk)}
    client_of(charlie).post(reverse("inference:model-favourite"), star)
    assert not FavouriteModel.objects.exists()
    client_of(alice).post(reverse("inference:model-favourite"), star)
    page = client_of(charlie).get(reverse("inference:model-list"), headers={"HX-Request": "true"}).content.decode()
    assert "fake-large" not in page


@pytest.mark.parametrize(("tokens", "shown"), [(128_000, "128K"), (131_072, "128K"), (1_048_576, "1M"), (None, "–")])
def test_it_writes_sizes_short(tokens: int | None, shown: str) -> None:
    assert short_tokens(tokens) == shown


@pytest.mark.parametrize(("usd", "shown"), [("2.5", "$2.50"), ("0.075", "$0.075"), ("0", "$0.00"), (None, "–")])
def test_it_writes_prices_with_two_places_at_least(usd: str | None, shown: str) -> None:
    assert unit_price(Decimal(usd) if usd else None) == shown
