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
from inference.chat.model_picker import Group, choice_of, list_groups
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


def test_it_says_that_a_token_is_missing(alice: User) -> None:
    assert group(alice).disabled_reason == "You have no token for it yet."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": TokenState.REFUSED}, "The provider refuses the token “Work”."),
        ({"state": TokenState.NEEDS_REENTRY}, "The token “Work” has to be entered again."),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "The token “Work” has expired."),
    ],
)
def test_it_says_what_is_wrong_with_a_token(
    alice: User, token: ProviderToken, changes: dict[str, object], reason: str
) -> None:
    ProviderToken.objects.filter(pk=token.pk).update(**changes)
    assert group(alice).disabled_reason == reason


def test_it_does_not_use_a_strangers_token(charlie: User, token: ProviderToken, fake: FakeProvider) -> None:
    assert group(charlie).choices == []
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


def test_it_shows_the_list_as_options(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    response = client_of(alice).get(reverse("inference:model-list"), headers={"HX-Request": "true"})
    assert 'data-model="fake-large"' in response.content.decode()
    assert "<html" not in response.content.decode()


def test_it_refreshes_by_a_form_too(alice: User, token: ProviderToken, fake: FakeProvider, client_of: ClientOf) -> None:
    response = client_of(alice).post(reverse("inference:model-list"))
    assert response.headers["Location"] == reverse("inference:model-list")
    assert len(fake.exchanges) == 1


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
