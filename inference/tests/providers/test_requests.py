"""What goes out on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from inference.providers.registry import get_adapter
from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import KEY, WIRE_PROVIDERS, collect, request

PLAIN = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "How are you?"},
]
GEMINI = [
    {"role": "user", "parts": [{"text": "Hi"}]},
    {"role": "model", "parts": [{"text": "Hello."}]},
    {"role": "user", "parts": [{"text": "How are you?"}]},
]
WITH_SYSTEM = [{"role": "system", "content": "Be brief."}, *PLAIN]


async def sent(
    fake: FakeProvider, provider: str, parameters: dict[str, Any], *, model: str = "fake-small", system: str = ""
) -> Any:
    asked = request(model, system=system, parameters=parameters)
    await collect(provider, asked, fake.base_url(provider))
    return fake.last(model).body


@pytest.mark.parametrize("provider", ["openai", "groq", "huggingface"])
async def test_it_sends_a_conversation_in_openais_form(fake: FakeProvider, provider: str) -> None:
    body = await sent(fake, provider, {"temperature": 0.5, "stop": ["END"]}, system="Be brief.")
    assert body["messages"] == WITH_SYSTEM
    assert (body["model"], body["stream"], body["temperature"], body["stop"]) == ("fake-small", True, 0.5, ["END"])


@pytest.mark.parametrize("provider", ["openai", "groq", "huggingface"])
async def test_it_asks_for_usage_where_it_must_be_asked_for(fake: FakeProvider, provider: str) -> None:
    assert (await sent(fake, provider, {}))["stream_options"] == {"include_usage": True}


async def test_it_sends_mistral_only_fields_that_its_api_knows(fake: FakeProvider) -> None:
    body = await sent(fake, "mistral", {"random_seed": 7, "max_tokens": 99}, system="Be brief.")
    assert body == {"model": "fake-small", "messages": WITH_SYSTEM, "stream": True, "random_seed": 7, "max_tokens": 99}


async def test_it_sends_a_conversation_in_anthropics_form(fake: FakeProvider) -> None:
    body = await sent(fake, "anthropic", {"max_tokens": 99, "temperature": 0.5, "effort": "low"}, system="Be brief.")
    assert body["messages"] == PLAIN
    assert (body["system"], body["max_tokens"], body["temperature"]) == ("Be brief.", 99, 0.5)
    assert body["output_config"] == {"effort": "low"}


async def test_it_gives_anthropic_the_length_that_it_insists_on(fake: FakeProvider) -> None:
    assert (await sent(fake, "anthropic", {}))["max_tokens"] == 4096


async def test_it_sends_a_conversation_in_geminis_form(fake: FakeProvider) -> None:
    body = await sent(fake, "gemini", {"temperature": 0.5, "top_k": 5, "stop_sequences": ["END"]}, system="Be brief.")
    assert body["contents"] == GEMINI
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert body["generationConfig"] == {"temperature": 0.5, "topK": 5, "stopSequences": ["END"]}


async def test_it_asks_gemini_for_its_thoughts_where_it_thinks(fake: FakeProvider) -> None:
    body = await sent(fake, "gemini", {"thinking_budget": 100}, model="gemini-2.5-flash")
    assert body["generationConfig"]["thinkingConfig"] == {"include_thoughts": True, "thinking_budget": 100}


@pytest.mark.parametrize("provider", WIRE_PROVIDERS)
async def test_it_sends_no_system_prompt_where_there_is_none(fake: FakeProvider, provider: str) -> None:
    body = await sent(fake, provider, {})
    assert "system" not in str(body)


@pytest.mark.parametrize("provider", WIRE_PROVIDERS)
async def test_it_sends_the_key_in_a_header_and_nowhere_else(fake: FakeProvider, provider: str) -> None:
    await collect(provider, request("words-1"), fake.base_url(provider))
    exchange = fake.last("words-1")
    assert exchange.key == KEY
    assert KEY not in exchange.path
    assert KEY not in str(exchange.body)


@pytest.mark.parametrize("provider", WIRE_PROVIDERS)
async def test_it_is_not_led_astray_by_the_environment(
    fake: FakeProvider, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("OPENAI", "ANTHROPIC", "GROQ", "GOOGLE", "GEMINI", "GOOGLE_GEMINI"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:1")
        monkeypatch.setenv(f"{name}_API_KEY", "sk-of-the-machine")
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_machine")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-the-machine")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-machine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-the-machine")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    await collect(provider, request("words-4"), fake.base_url(provider))
    exchange = fake.last("words-4")
    assert exchange.key == KEY
    assert "machine" not in str(exchange.headers)


def names(provider: str, model: str) -> set[str]:
    return {parameter.name for parameter in get_adapter(provider).parameters(model)}


@pytest.mark.parametrize("model", ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5.1-codex", "gpt-6-sol", "openai/gpt-5"])
def test_it_offers_reasoning_models_no_temperature(model: str) -> None:
    assert names("openai", model) == {"reasoning_effort", "max_completion_tokens"}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "llama3.2:3b", "something-new"])
def test_it_offers_chat_models_a_temperature(model: str) -> None:
    assert {"temperature", "top_p", "max_tokens"} <= names("openai", model)


@pytest.mark.parametrize(
    ("model", "present", "absent"),
    [
        ("claude-3-5-haiku-latest", "temperature", "effort"),
        ("claude-sonnet-4-20250514", "temperature", "effort"),
        ("claude-opus-4-5", "effort", "thinking"),
        ("claude-opus-4-7", "effort", "temperature"),
        ("claude-sonnet-5", "effort", "temperature"),
        ("something-new", "max_tokens", "temperature"),
    ],
)
def test_it_offers_what_an_anthropic_model_takes(model: str, present: str, absent: str) -> None:
    assert present in names("anthropic", model)
    assert absent not in names("anthropic", model)


@pytest.mark.parametrize(
    ("model", "own"),
    [("gemini-2.5-pro", "thinking_budget"), ("gemini-3-pro-preview", "thinking_level"), ("gemini-2.0-flash", None)],
)
def test_it_offers_what_a_gemini_model_takes(model: str, own: str | None) -> None:
    assert names("gemini", model) & {"thinking_budget", "thinking_level"} == ({own} if own else set())


async def test_it_asks_gemini_by_the_version_that_serves_everything(fake: FakeProvider) -> None:
    await collect("gemini", request("words-5"), fake.base_url("gemini"))
    assert fake.last("words-5").path == "/gemini/v1beta/models/words-5:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("provider", "added"),
    [
        ("openai", ""),
        ("anthropic", "/v1"),
        ("groq", "/openai/v1"),
        ("gemini", "/v1beta"),
        ("gemini", "/v1beta/openai"),
        ("mistral", ""),
        ("huggingface", ""),
        ("huggingface", "/chat/completions"),
    ],
)
async def test_it_takes_a_base_url_with_the_path_that_the_vendor_documents(
    fake: FakeProvider, provider: str, added: str
) -> None:
    base_url = fake.base_url(provider)
    paths = []
    for url in (base_url, f"{base_url}{added}", f"{base_url}{added}/"):
        await collect(provider, request("words-1"), url)
        paths.append(fake.last("words-1").path)
        assert await get_adapter(provider).list_models(api_key=KEY, base_url=url)
    assert len(set(paths)) == 1
