"""The providers of language models that an account can choose from: one line for each.

Every app reads them here. The adapter, which makes the calls, is the module of the same name in
``inference.providers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """``price_list`` is the provider's id in ``genai-prices``; ``*`` stands for what follows ``:`` in a model id.

    ``key_shape`` is a regular expression for its API keys, by which they are redacted from logs, empty where they look
    like any other text. ``suggested_models`` is one for the series that answers well and quickly at a moderate price:
    its highest number is suggested. ``is_endpoint``: a server that somebody runs, known by its base URL, which may ask
    for no key.
    """

    label: str
    price_list: str = ""
    key_shape: str = ""
    suggested_models: str = ""
    needs_key: bool = True
    is_free: bool = False
    is_endpoint: bool = False


# Series as of November 2026; their numbers are left open.
PROVIDERS: Mapping[str, ProviderSpec] = {
    "openai": ProviderSpec("OpenAI", "openai", r"sk-[\w-]{8,}", r"gpt-[\d.]+-mini"),
    "anthropic": ProviderSpec("Anthropic", "anthropic", r"sk-ant-[\w-]{8,}", r"claude-sonnet-[\d-]+"),
    "gemini": ProviderSpec("Google Gemini", "google", r"AIza[\w-]{8,}", r"gemini-[\d.]+-flash"),
    "groq": ProviderSpec("Groq", "groq", r"gsk_[\w-]{8,}", r"openai/gpt-oss-\d+b|llama-[\d.]+-\d+b-versatile"),
    "mistral": ProviderSpec("Mistral", "mistral", suggested_models=r"mistral-medium-[\d-]+"),
    "huggingface": ProviderSpec("Hugging Face", "huggingface_*", r"hf_[\w-]{8,}"),
    "compatible": ProviderSpec("OpenAI-compatible", is_endpoint=True),
    "echo": ProviderSpec("Sandbox", needs_key=False, is_free=True),
}


def label_of(provider: str) -> str:
    """Its name for people; of a provider that is not there any more, the name that is stored."""
    return PROVIDERS[provider].label if provider in PROVIDERS else provider


def needs_key(provider: str) -> bool:
    return provider not in PROVIDERS or PROVIDERS[provider].needs_key


def is_endpoint(provider: str) -> bool:
    return provider in PROVIDERS and PROVIDERS[provider].is_endpoint


def provider_choices() -> list[tuple[str, str]]:
    return [(name, spec.label) for name, spec in PROVIDERS.items()]


def keyed_choices() -> list[tuple[str, str]]:
    """Those that need a provider key."""
    return [(name, spec.label) for name, spec in PROVIDERS.items() if spec.needs_key]
