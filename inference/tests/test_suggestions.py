from __future__ import annotations

import pytest

from inference.chat.picker.defaults import suggested


@pytest.mark.parametrize(
    ("provider", "models", "chosen"),
    [
        (
            "openai",
            ["dall-e-3", "gpt-5.4", "gpt-5.4-mini", "gpt-10-mini", "gpt-10-mini-tts"],
            "gpt-10-mini",
        ),
        ("anthropic", ["claude-opus-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-5-5"], "claude-sonnet-5-5"),
        ("gemini", ["gemini-2.5-flash", "gemini-3.1-flash-image", "gemini-embedding-001"], "gemini-2.5-flash"),
        ("openai", ["llama3", "qwen3"], "llama3"),
        ("huggingface", ["b/b", "a/a"], "a/a"),
        ("openai", [], ""),
    ],
)
def test_it_suggests_the_newest_of_a_series_or_else_the_first(provider: str, models: list[str], chosen: str) -> None:
    assert suggested(provider, models) == chosen
