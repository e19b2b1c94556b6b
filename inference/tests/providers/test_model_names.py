"""What a model's name tells of it."""

from __future__ import annotations

import pytest

from inference.providers.model_names import calls_tools, can_chat, reasons, sees_images


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o", "gpt-5.1", "o4-mini", "claude-opus-5", "gemini-3-pro", "models/gemini-2.5-flash", "llama-3.1-70b-fp8",
        "qwen3:8b", "mistral-medium-2508", "openai/gpt-oss-20b", "deepseek-chat", "gpt-4o-search-preview", "grok-4",
        "imagine-7b", "guardian-tales",
    ],
)  # fmt: skip
def test_it_chats(model: str) -> None:
    assert can_chat(model)


@pytest.mark.parametrize(
    "model",
    [
        "text-embedding-3-small", "BAAI/bge-m3", "nomic-embed-text", "whisper-large-v3", "gpt-4o-transcribe", "tts-1",
        "gpt-4o-mini-tts", "gpt-4o-realtime-preview", "gpt-4o-audio-preview", "dall-e-3", "gpt-image-1", "imagen-4",
        "gemini-2.5-flash-image", "omni-moderation-latest", "meta-llama/llama-guard-4-12b", "davinci-002",
        "gpt-3.5-turbo-instruct", "mistral-ocr-latest", "sora-2", "o1-pro", "qwen3-reranker-8b",
    ],
)  # fmt: skip
def test_it_does_not_chat(model: str) -> None:
    assert not can_chat(model)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", (True, True, False)),
        ("o4-mini", (True, True, True)),
        ("o3-mini", (False, True, True)),
        ("claude-sonnet-4-6", (True, True, True)),
        ("llama-3.1-70b-fp8", (False, True, False)),
        ("qwen3:8b", (False, True, True)),
        ("llava:13b", (True, False, False)),
        ("gpt-5-chat-latest", (True, True, False)),
        ("phi-2", (False, False, False)),
    ],
)
def test_it_knows_what_a_model_can(model: str, expected: tuple[bool, bool, bool]) -> None:
    assert (sees_images(model), calls_tools(model), reasons(model)) == expected
