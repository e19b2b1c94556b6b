"""What every adapter promises, against a server that speaks its protocol."""

from __future__ import annotations

import pytest

from accounts.providers import PROVIDERS
from inference.providers.base import Finished, FinishReason, Usage
from inference.providers.registry import get_adapter
from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import KEY, collect, finished, request, text, usage

# Path of the protocol on llmock and a model that it knows; the sandbox is its own peer. llmock does not count tokens
# unasked, as Mistral does: the fake provider stands in.
PEERS = {
    "openai": ("/v1", "gpt-4o"),
    "anthropic": ("/anthropic", "claude-sonnet-4-6"),
    "gemini": ("/gemini", "gemini-2.5-pro"),
    "groq": ("/groq", "openai/gpt-oss-20b"),
    "mistral": ("", "words-3"),
    "huggingface": ("/v1", "gpt-4o"),
    "compatible": ("/v1", "gpt-4o"),
    "echo": ("", "echo"),
}


@pytest.fixture
def address(provider: str, llmock_url: str, fake: FakeProvider) -> str:
    return fake.base_url(provider) if provider == "mistral" else llmock_url + PEERS[provider][0]


every_adapter = pytest.mark.parametrize("provider", sorted(PROVIDERS))


def test_it_has_a_peer_for_every_adapter() -> None:
    assert set(PEERS) == set(PROVIDERS)


@every_adapter
async def test_it_streams_deltas_and_its_usage_before_the_end(provider: str, address: str) -> None:
    model = PEERS[provider][1]
    events = await collect(provider, request(model, system="Be brief."), address)
    assert text(events)
    assert [type(event) for event in events[-2:]] == [Usage, Finished]
    assert finished(events).reason is FinishReason.STOP
    assert usage(events).input > 0
    assert usage(events).output > 0


@every_adapter
async def test_it_lists_models(provider: str, address: str) -> None:
    model = "fake-small" if provider == "mistral" else PEERS[provider][1]
    models = await get_adapter(provider).list_models(api_key=KEY, base_url=address)
    assert model in [found.id for found in models]


@every_adapter
async def test_it_accepts_a_good_key(provider: str, address: str) -> None:
    await get_adapter(provider).check(api_key=KEY, base_url=address)


@every_adapter
@pytest.mark.parametrize("model", ["", "gpt-4o", "o3", "gpt-5.1", "claude-opus-5", "gemini-3-pro", "qwen/qwen3-32b"])
def test_it_describes_parameters_completely(provider: str, model: str) -> None:
    parameters = get_adapter(provider).parameters(model)
    assert len({parameter.name for parameter in parameters}) == len(parameters) > 0
    for parameter in parameters:
        assert parameter.label
        assert parameter.help
        assert bool(parameter.choices) == (parameter.kind == "choice")
        assert (parameter.minimum is not None) == (parameter.kind in ("int", "float"))


@every_adapter
async def test_it_sends_its_own_parameters_in_a_form_the_peer_takes(provider: str, address: str) -> None:
    model = PEERS[provider][1]
    samples = {"int": 50, "float": 0.5, "text_list": ["STOP"]}
    chosen = {
        parameter.name: parameter.choices[0] if parameter.choices else samples[parameter.kind]
        for parameter in get_adapter(provider).parameters(model)
    }
    events = await collect(provider, request(model, parameters=chosen), address)
    assert text(events)


async def test_it_calls_a_server_without_keys_without_a_key(fake: FakeProvider) -> None:
    events = await collect("compatible", request("words-3"), fake.base_url("compatible"), key="")
    assert text(events)
    assert "authorization" not in fake.last("words-3").headers
