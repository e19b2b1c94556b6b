"""Servers that speak OpenAI's chat completions, with the base URLs that their own documentation names. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

# The provider whose endpoints they are.
COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class Preset:
    """``is_hosted``: a vendor on the public internet, which asks for a key; the others are run by oneself."""

    label: str
    base_url: str
    is_hosted: bool = False


# November 2026. Of those that one runs, the port is the default one.
PRESETS: dict[str, Preset] = {
    "ollama": Preset("Ollama", "http://localhost:11434/v1"),
    "vllm": Preset("vLLM", "http://localhost:8000/v1"),
    "lmstudio": Preset("LM Studio", "http://localhost:1234/v1"),
    "llamacpp": Preset("llama.cpp", "http://localhost:8080/v1"),
    "openrouter": Preset("OpenRouter", "https://openrouter.ai/api/v1", is_hosted=True),
    "together": Preset("Together", "https://api.together.xyz/v1", is_hosted=True),
    "deepseek": Preset("DeepSeek", "https://api.deepseek.com/v1", is_hosted=True),
    "mistral": Preset("Mistral", "https://api.mistral.ai/v1", is_hosted=True),
    "xai": Preset("xAI", "https://api.x.ai/v1", is_hosted=True),
}
HOSTED_URLS = frozenset(preset.base_url for preset in PRESETS.values() if preset.is_hosted)
